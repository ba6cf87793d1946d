"""What the conversation on the screen costs the main thread: streaming, opening, finding, scrolling.

Every figure is CPU time of the main thread (`time.thread_time`), so other load does not count; also given
scaled to a machine on which the calibration loop takes 737 ms, like the one on which the goals were set.
`scaled` uses the loop as it stands in a module: docs/benchmarks.md, 2026-11-22, says why that is the one. In
a function it takes half as long, which makes everything twice as strict; that is measured too.

The wheel is measured in two ways: a notch and one whole pass of the event loop, with whatever idle work falls
into it (`wheel_and_pass`), and the notch with its own layout and painting alone (`wheel_alone`). What idle
work takes between two notches is measured too (`idle_pass`: the passes in which there was any).

    python -m benchmarks.chat_view [--messages N]
"""

import argparse
import gc
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psutil
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation, Message
from app.lists.message_list import MessageList
from app.theme.fonts import load_fonts
from app.theme.icons import Icons
from app.theme.theme import Theme
from engine.contract.paths import resources

CALIBRATION_MS = 737.0
SCALED_BY = "module"  # the place of the loop whose factor the scaled figures use
NOTHING_MS = 0.1  # of a pass without work
IDLE_MS = 5000
TOKEN = 3  # characters of the text that streams in
TOKENS_PER_S = 200
FRAME_S = 1 / 60
ANSWER = """## Softmax with temperature

Softmax turns logits `z` into probabilities; the **temperature** says how *peaked* they are. Text can mix
scripts: 日本語, مرحبا. See [the article](https://example.org/softmax) for more of it.

- Subtract the maximum first, so that `exp` cannot overflow.
- Divide by the temperature before the exponential.
- Sum, and divide by the sum.

```python
def softmax(z, temperature=1.0):
    \"\"\"Numerically stable softmax.\"\"\"
    z = (z - z.max()) / max(temperature, 1e-6)   # avoid overflow
    e = np.exp(z)
    return e / e.sum()
```

| Temperature | Effect | Typical use |
|------------:|--------|-------------|
| 0.2 | Very peaked | Code, extraction |
| 0.7 | Balanced | Chat |
| 1.2 | Flat | Brainstorming |

1. A first point, with a few words more than the others have.
2. A second point.

> A quote that ends it.

"""


@dataclass(slots=True)
class Stage:
    """A window with a conversation of that many messages."""

    view: ChatView
    messages: MessageList
    conversation: Conversation

    def close(self) -> None:
        """Throw the window away."""
        self.view.close()
        self.view.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def calibrate() -> dict[str, float]:
    """Milliseconds of the loop that measures the machine, in both places; the best of three."""
    program = compile("s = 0\nfor i in range(3_000_000): s += i * i", "calibration", "exec")
    return {
        "module": min(cpu_ms(lambda: exec(program, {})) for _ in range(3)),
        "function": min(cpu_ms(_loop) for _ in range(3)),
    }


def _loop() -> None:
    s = 0
    for i in range(3_000_000):
        s += i * i


def cpu_ms(action: Callable[[], object]) -> float:
    """Milliseconds of CPU that the main thread needs for something."""
    started = time.thread_time()
    action()
    return 1000 * (time.thread_time() - started)


def conversation_of(num_messages: int) -> Conversation:
    """Questions, and answers of a few blocks each."""
    parts = ANSWER.strip().split("\n\n")
    conversation = Conversation.new()
    for turn in range(num_messages // 2):
        conversation.append(role="user", text=f"Question {turn}: " + "what about softmax " * (turn % 12))
        first = turn % len(parts)
        text = "\n\n".join((parts * 2)[first : first + 6])
        conversation.append(role="assistant", text=text, model="Benchmark")
    return conversation


def stage(theme: Theme, num_messages: int) -> Stage:
    """Open a window."""
    messages = MessageList()
    view = ChatView(messages, theme)
    view.resize(1000, 800)
    view.show()
    QTest.qWait(50)
    return Stage(view, messages, conversation_of(num_messages))


def settle(view: ChatView) -> None:
    """Wait until the view has nothing left to do by itself."""
    deadline = time.monotonic() + 15
    while view.idle.is_busy and time.monotonic() < deadline:
        QTest.qWait(20)


def stream(theme: Theme, num_messages: int, num_tokens: int) -> list[float]:
    """Milliseconds of each flush while an answer streams in at 200 tokens/s: text, layout and painting."""
    made = stage(theme, num_messages)
    answer = made.conversation.append(role="assistant", text="", state="streaming", model="Benchmark")
    made.messages.show_path(made.conversation.path())
    settle(made.view)
    text = ANSWER * (num_tokens * TOKEN // len(ANSWER) + 1)
    tokens = [text[start : start + TOKEN] for start in range(0, num_tokens * TOKEN, TOKEN)]
    flushes, sent, began = [], 0, 0.0
    while sent < num_tokens:
        began += FRAME_S
        due = min(round(began * TOKENS_PER_S), num_tokens)

        def flush(due: int = due, sent: int = sent) -> None:
            for token in tokens[sent:due]:
                made.messages.append_text(answer.id, token)
            made.view.flush()
            QApplication.processEvents()

        flushes.append(cpu_ms(flush))
        sent = due
    made.close()
    return flushes


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def measure_streaming(theme: Theme, num_messages: int) -> dict[str, float]:
    """Cost of a token in a short and a long conversation, taking turns; and of late tokens in one answer."""
    num_tokens = 2000
    per_token: dict[int, list[float]] = {20: [], num_messages: []}
    flushes: list[float] = []
    for _ in range(3):
        for length, costs in per_token.items():
            found = stream(theme, length, num_tokens)
            costs.append(sum(found) / num_tokens)
            flushes += found if length == num_messages else []
    long = stream(theme, 20, 12_500)
    at = [round(token / TOKENS_PER_S / FRAME_S) for token in (500, 1500, 11_500, 12_500)]
    early, late = sum(long[at[0] : at[1]]), sum(long[at[2] : at[3]])
    return {
        "ms_per_token": min(per_token[num_messages]),
        "flush_p50_ms": statistics.median(flushes),
        "flush_p99_ms": percentile(flushes, 0.99),
        "long_to_short_ratio": min(per_token[num_messages]) / min(per_token[20]),
        "late_to_early_ratio": late / early,
    }


def wheel(view: ChatView) -> None:
    """One notch upwards, and the painting that follows."""
    centre = QPointF(view.viewport().rect().center())
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(centre, centre, QPoint(), QPoint(0, 120), buttons, keys, phase, False)
    QApplication.sendEvent(view.viewport(), event)
    QApplication.sendPostedEvents()


def idle_passes(seconds: float) -> list[float]:
    """Milliseconds of each pass of the event loop in which something was done, for a time."""
    passes = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(0.001)
        passes.append(cpu_ms(QApplication.processEvents))
    return [took for took in passes if took > NOTHING_MS]


def rest(milliseconds: int) -> None:
    """Let the event loop wait as it does in the application; `qWait` would wake up every 10 ms."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def open_path(messages: MessageList, path: list[Message]) -> None:
    """Show a conversation."""
    messages.show_path(path)
    QApplication.processEvents()


def resize(view: ChatView, width: int) -> None:
    """Make the window wider or narrower."""
    view.resize(width, 800)
    QApplication.processEvents()


def jump(view: ChatView, place: int) -> None:
    """Go somewhere."""
    view.verticalScrollBar().setValue(place)
    QApplication.processEvents()


def measure_view(theme: Theme, num_messages: int) -> dict[str, float]:
    """Opening, resizing, finding and scrolling a long conversation; memory and idle cost after that."""
    made = stage(theme, num_messages)
    view, path = made.view, made.conversation.path()
    opening = [cpu_ms(lambda: open_path(made.messages, path)) for _ in range(5)]
    settle(view)
    resizing = []
    for width in (900, 700, 1000, 620, 1000):
        resizing.append(cpu_ms(partial(resize, view, width)))
        settle(view)
    finding = [cpu_ms(lambda: view.find_control.find("softmax")) for _ in range(5)]
    view.find_control.close()
    view.jump_to_end()
    settle(view)
    wheeling, passing, idling = [], [], [0.0]
    for _ in range(250):
        wheeling.append(cpu_ms(lambda: wheel(view)))
        passing.append(wheeling[-1] + cpu_ms(QApplication.processEvents))
        idling += idle_passes(0.016)
    bar = view.verticalScrollBar()
    random.seed(1)
    jumping = []
    for _ in range(40):
        jumping.append(cpu_ms(partial(jump, view, random.randrange(bar.maximum()))))
    settle(view)
    gc.collect()
    memory = psutil.Process().memory_info().rss / 2**20
    idle = cpu_ms(lambda: rest(IDLE_MS)) / IDLE_MS
    made.close()
    return {
        "open_ms": statistics.median(opening),
        "resize_ms": statistics.median(resizing),
        "find_ms": statistics.median(finding),
        "wheel_and_pass_p50_ms": statistics.median(passing),
        "wheel_and_pass_p99_ms": percentile(passing, 0.99),
        "wheel_alone_p99_ms": percentile(wheeling, 0.99),
        "idle_pass_p99_ms": percentile(idling, 0.99),
        "jump_p50_ms": statistics.median(jumping),
        "rss_mib": memory,
        "idle_percent": 100 * idle,
    }


def scale_times(measured: dict[str, float], factor: float) -> dict[str, float]:
    """The figures with every time multiplied."""
    return {
        name: value * factor if name.endswith(("_ms", "ms_per_token")) else value
        for name, value in measured.items()
    }


GOALS = {
    "ms_per_token": 1.0,
    "flush_p99_ms": 14,
    "long_to_short_ratio": 1.25,
    "late_to_early_ratio": 1.5,
    "open_ms": 150,
    "resize_ms": 30,
    "find_ms": 50,
    "wheel_and_pass_p99_ms": 16,
    "wheel_alone_p99_ms": 16,
    "idle_pass_p99_ms": 16,
    "rss_mib": 110,
    "idle_percent": 0.5,
}


def main() -> None:
    """Measure everything; a table for people, one JSON line last for programs."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=1000)
    num_messages = parser.parse_args().messages
    qt = QApplication([])
    theme = Theme(qt, load_fonts(resources() / "fonts"), Icons(resources() / "icons"), "light")
    calibration = calibrate()
    measured = measure_view(theme, num_messages) | measure_streaming(theme, num_messages)
    factors = {place: CALIBRATION_MS / took for place, took in calibration.items()}
    scaled = {place: scale_times(measured, factor) for place, factor in factors.items()}
    for place, factor in factors.items():
        print(f"by the loop in a {place}: {calibration[place]:.0f} ms, so times {factor:.2f}-fold")
    print(f"{'figure':<22} {'measured':>10} {'module':>10} {'function':>10} {'goal':>8}")
    for name, value in measured.items():
        by = (scaled["module"][name], scaled["function"][name])
        print(f"{name:<22} {value:>10.3f} {by[0]:>10.3f} {by[1]:>10.3f} {GOALS.get(name, ''):>8}")
    report = {
        "benchmark": "chat_view",
        "messages": num_messages,
        "calibration_ms": {place: round(took, 1) for place, took in calibration.items()},
        "factors": {place: round(factor, 3) for place, factor in factors.items()},
        "scaled_by": SCALED_BY,
        "measured": {name: round(value, 3) for name, value in measured.items()},
        "scaled": {name: round(value, 3) for name, value in scaled[SCALED_BY].items()},
        "scaled_by_function_loop": {name: round(value, 3) for name, value in scaled["function"].items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from PySide6.QtCore import QByteArray, QTimer
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from app.engine_link import typesetter as typesetter_module
from app.engine_link.typesetter import TypesetKey, Typesetter
from engine.contract.processes import bare_environment, child_command
from engine.contract.typesetting import Typeset
from tests.support.window import WAIT_MS

COLOUR = "#204060"
ENDLESS = "x^{" * 90 + "x" + "}" * 90  # the time doubles with each level

Make = Callable[[list[str]], Typesetter]


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Make]:
    made: list[Typesetter] = []

    def make_one(command: list[str]) -> Typesetter:
        made.append(Typesetter(command, bare_environment()))
        return made[-1]

    yield make_one
    for typesetter in made:
        typesetter.close()


@pytest.fixture
def typesetter(make: Make) -> Typesetter:
    """One with the real child."""
    return make(child_command("engine.worker.children.typeset"))


def script(*lines: str) -> list[str]:
    """A child that does what the real one does not."""
    return [sys.executable, "-c", "\n".join(("import json, os, sys, time", *lines))]


ANSWERS = (
    "for line in sys.stdin:",
    "    request = json.loads(line) if line.strip() else {'id': 0, 'tex': ''}",
    "    if request['tex'].startswith('die'): os._exit(7)",
    "    if request['tex'] == 'hang': time.sleep(600)",
    "    if request['tex'] == 'babble': print('x' * 20, flush=True)",
    "    print(json.dumps({'id': request['id'], 'svg': request['tex']}), flush=True)",
)


def finished(typesetter: Typesetter, qtbot: QtBot, *formulas: str) -> list[Typeset]:
    """What becomes of formulas."""
    for tex in formulas:
        typesetter.typeset(tex, 16, COLOUR, True)

    def results() -> list[Typeset | None]:
        return [typesetter.typeset(tex, 16, COLOUR, True) for tex in formulas]

    qtbot.waitUntil(lambda: all(results()), timeout=2 * WAIT_MS)
    return [result for result in results() if result is not None]


def test_the_first_formula_starts_the_child_and_is_kept(typesetter: Typesetter, qtbot: QtBot) -> None:
    assert typesetter.pid == 0
    key = TypesetKey(r"E = mc^2", 16, COLOUR, False)
    with qtbot.waitSignal(typesetter.typeset_ready, timeout=WAIT_MS) as heard:
        assert typesetter.typeset(*key) is None
        assert typesetter.typeset(*key) is None
    assert heard.args == [key]
    drawing = typesetter.typeset(*key)
    assert drawing is not None and drawing.error == ""
    assert drawing.width > drawing.height > drawing.baseline > 0
    assert typesetter.typeset(*key) is drawing


def test_qt_draws_it_in_the_colour_that_was_asked_for(typesetter: Typesetter, qtbot: QtBot) -> None:
    (drawing,) = finished(typesetter, qtbot, r"\frac{a}{\sqrt{b}}")
    image = QImage(int(drawing.width) + 1, int(drawing.height) + 1, QImage.Format.Format_ARGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    QSvgRenderer(QByteArray(drawing.svg.encode())).render(painter)
    painter.end()
    darkest = min(
        image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())
    )
    assert darkest <= QColor(COLOUR).lightness() + 8


def test_sizes_colours_and_kinds_are_different_drawings(typesetter: Typesetter, qtbot: QtBot) -> None:
    keys = [
        TypesetKey(r"\sum_i x_i", 16, COLOUR, True),
        TypesetKey(r"\sum_i x_i", 16, COLOUR, False),
        TypesetKey(r"\sum_i x_i", 32, COLOUR, True),
        TypesetKey(r"\sum_i x_i", 16, "#ffffff", True),
    ]
    for key in keys:
        typesetter.typeset(*key)
    qtbot.waitUntil(lambda: all(typesetter.typeset(*key) for key in keys), timeout=WAIT_MS)
    drawings = [typesetter.typeset(*key) for key in keys]
    assert len({drawing.svg for drawing in drawings if drawing is not None}) == 4


def test_the_window_stays_responsive_while_hostile_formulas_are_at_work(
    typesetter: Typesetter, qtbot: QtBot
) -> None:
    gaps: list[float] = []
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        gaps.append(time.monotonic() - last)
        last = time.monotonic()

    heart = QTimer()
    heart.timeout.connect(beat)
    heart.start(10)
    spent = time.thread_time()
    results = finished(
        typesetter,
        qtbot,
        "x" * 100_000,
        "{" * 10_000,
        r"\sqrt" * 1_500 + "x",
        r"\def\a{\a\a}\a",
        ENDLESS,
        "x^2",
    )
    spent = time.thread_time() - spent
    heart.stop()
    assert "more than" in results[4].error
    assert [bool(result.error) for result in results] == [True, True, True, True, True, False]
    assert sorted(gaps)[len(gaps) * 9 // 10] < 0.1
    assert spent < 5.0


@pytest.mark.parametrize("poison", ["die", "hang", "babble"])
def test_a_formula_that_costs_the_child_is_told_and_the_next_child_goes_on(
    make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, poison: str
) -> None:
    monkeypatch.setattr(typesetter_module, "TIME_LIMIT_MS", 500)
    typesetter = make(script(*ANSWERS))
    before, bad, after = finished(typesetter, qtbot, "a", poison, "b")
    assert (before.svg, after.svg) == ("a", "b")
    assert bad.error and not bad.svg


def test_after_three_restarts_formulas_wait(
    make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetter_module, "RESTART_WINDOW_S", 4.0)
    typesetter = make(script(*ANSWERS))
    results = finished(typesetter, qtbot, "die1", "die2", "die3", "die4")
    assert all(result.error for result in results)
    assert typesetter.typeset("x", 16, COLOUR, True) is None
    qtbot.wait(300)
    assert typesetter.pid == 0
    assert typesetter.typeset("x", 16, COLOUR, True) is None
    qtbot.waitUntil(lambda: typesetter.pid != 0, timeout=WAIT_MS)


def test_a_program_that_is_not_there_is_no_disaster(make: Make, qtbot: QtBot) -> None:
    typesetter = make(["/nowhere/typesetter"])
    assert typesetter.typeset("x", 16, COLOUR, True) is None
    qtbot.wait(200)
    assert typesetter.typeset("x", 16, COLOUR, True) is None


def test_old_drawings_and_old_wishes_are_forgotten(
    make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typesetter_module, "MAX_KEPT", 5)
    monkeypatch.setattr(typesetter_module, "MAX_WAITING", 3)
    typesetter = make(script(*ANSWERS))
    ready: list[TypesetKey] = []
    typesetter.typeset_ready.connect(ready.append)
    for number in range(10):
        typesetter.typeset(str(number), 16, COLOUR, True)
    qtbot.waitUntil(lambda: len(ready) == 3, timeout=WAIT_MS)
    assert [key.tex for key in ready] == ["7", "8", "9"]
    finished(typesetter, qtbot, "a", "b", "c")
    assert typesetter.typeset("9", 16, COLOUR, True) is not None
    assert typesetter.typeset("7", 16, COLOUR, True) is None


def test_closing_ends_the_child_and_nothing_is_started_after(typesetter: Typesetter, qtbot: QtBot) -> None:
    finished(typesetter, qtbot, "x")
    child = psutil.Process(typesetter.pid)
    typesetter.close()
    assert not child.is_running()
    assert typesetter.typeset("y", 16, COLOUR, True) is None
    assert typesetter.pid == 0


def test_closing_from_whoever_heard_of_a_drawing(typesetter: Typesetter, qtbot: QtBot) -> None:
    typesetter.typeset_ready.connect(lambda _key: typesetter.close())
    typesetter.typeset("x", 16, COLOUR, True)
    typesetter.typeset("y", 16, COLOUR, True)
    qtbot.waitUntil(lambda: typesetter.typeset("x", 16, COLOUR, True) is not None, timeout=WAIT_MS)
    assert typesetter.pid == 0


def test_many_formulas_leave_nothing_behind(typesetter: Typesetter, qtbot: QtBot) -> None:
    finished(typesetter, qtbot, *(rf"x_{{{number}}} + \frac{{1}}{{2}}" for number in range(50)))
    child = psutil.Process(typesetter.pid)
    once = child.memory_info().rss
    finished(typesetter, qtbot, *(rf"y_{{{number}}} + \frac{{1}}{{2}}" for number in range(300)))
    assert child.memory_info().rss < once + 8 * 2**20


def test_the_child_ends_with_its_input() -> None:
    command = child_command("engine.worker.children.typeset")
    done = subprocess.run(
        command, input=b"\n", capture_output=True, env=bare_environment(), timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 1

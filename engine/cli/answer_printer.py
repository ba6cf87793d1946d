"""An answer on the terminal: its text to stdout, everything else to stderr."""

import sys
from types import TracebackType

from engine.contract.messages import AnswerEvent, FinishedEvent, ReasoningEvent, TextEvent

DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class AnswerPrinter:
    """Prints one answer as it streams. Reasoning is for people: it is shown, dimmed, on terminals only."""

    def __init__(self) -> None:
        """Nothing is printed yet."""
        self._shows_reasoning = sys.stderr is not None and sys.stderr.isatty()
        self._is_dimmed = False
        self.has_written = False

    def __enter__(self) -> "AnswerPrinter":
        """Print within a `with` block, so that the terminal is never left dimmed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Back to ordinary letters."""
        self._end_reasoning()

    def show(self, event: AnswerEvent) -> None:
        """Print what an event brings."""
        if isinstance(event, ReasoningEvent):
            if self._shows_reasoning:
                print(("" if self._is_dimmed else DIM) + event.text, end="", file=sys.stderr, flush=True)
                self._is_dimmed = True
            return
        self._end_reasoning()
        if isinstance(event, TextEvent):
            sys.stdout.write(event.text)
            sys.stdout.flush()
            self.has_written = True
        elif event.call.error:
            print(f"retort: a tool call that cannot be read: {event.call.error}", file=sys.stderr)
        else:
            print(f"retort: the model calls {event.call.name}({event.call.arguments})", file=sys.stderr)

    def tell(self, finished: FinishedEvent) -> None:
        """Say what people should know of how an answer came about."""
        self._end_reasoning()
        notice = finished.template_notice
        if notice is not None:
            print(
                f"\nretort: the model's chat template failed ({notice.reason}): the answer was asked for in "
                f"plain {notice.fallback} turns, without tools and documents",
                file=sys.stderr,
            )

    def _end_reasoning(self) -> None:
        if self._is_dimmed:
            print(PLAIN + "\n", file=sys.stderr, flush=True)
            self._is_dimmed = False

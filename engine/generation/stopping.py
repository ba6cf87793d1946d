"""Stop strings: an answer ends before the first of them, even where it comes in several pieces."""


class StopStrings:
    """Passes text on, holding back what could still become a stop string."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that is safe to show now; `stopped` is true once a stop string has come."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        text = self._held + text
        found = [position for stop in self._stops if (position := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        safe = len(text) - max(_partial_length(text, stop) for stop in self._stops)
        self._held = text[safe:]
        return text[:safe]

    def finish(self) -> str:
        """What was held back at the end of an answer that no stop string ended."""
        held, self._held = self._held, ""
        return held


def _partial_length(text: str, stop: str) -> int:
    """How much of the text's end is the beginning of `stop`."""
    longest = min(len(stop) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)

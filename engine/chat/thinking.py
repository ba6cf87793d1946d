"""Keeping reasoning in bounds: a budget of tokens, and noticing a model that goes round in circles.

Pure arithmetic on tokens and text; whoever generates puts the forced text into the sequence.
"""

from collections import Counter
from itertools import pairwise

from engine.contract.messages import ReasoningEnd

LOOP_REPEATS = 4  # the same stretch so often at the end, one after the other
LOOP_MIN_LENGTH = 12  # characters of a stretch; shorter ones repeat in tables and lists
LOOP_INTERVAL = 64  # tokens between two looks
LOOP_WINDOW = 12_000  # characters at the end that are looked at: paragraphs of up to 3,000 are found
SENTENCE_REPEATS = 8  # the same sentence so often within its window, wherever
SENTENCE_WINDOW = 4_000
SENTENCE_MIN_LENGTH = 30
_BLANKS_AND_RULES = frozenset(" \n\t-=_*.#|~·—")


class ReasoningWatch:
    """Follows one answer and says what ends its reasoning when the budget is spent or it goes in circles."""

    def __init__(self, budget: int | None, end_text: str) -> None:
        """As of ReasoningBudget."""
        self._budget = ReasoningBudget(budget, end_text)
        self._recent = ""  # the reasoning's end
        self._next_look = LOOP_INTERVAL  # in tokens of reasoning
        self.ended_by: ReasoningEnd = ""

    @property
    def used(self) -> int:
        """Tokens of reasoning so far."""
        return self._budget.used

    @property
    def left(self) -> int | None:
        """Tokens of reasoning that are left; None where nothing limits them any more."""
        return self._budget.left

    def begin(self, *, is_reasoning: bool) -> str:
        """The text to force before the first token."""
        return self._ended_by("budget", self._budget.begin(is_reasoning=is_reasoning))

    def note(self, text: str, *, was_reasoning: bool, is_reasoning: bool) -> str:
        """The text to force after one more token, mostly none; `text` is what the token has brought."""
        forced = self._budget.note(was_reasoning=was_reasoning, is_reasoning=is_reasoning)
        if forced or not is_reasoning:
            return self._ended_by("budget", forced)
        self._recent += text
        if self.used < self._next_look:
            return ""
        self._next_look = self.used + LOOP_INTERVAL
        self._recent = self._recent[-LOOP_WINDOW:]
        return (
            self._ended_by("loop", self._budget.end_now(is_reasoning=True))
            if is_looping(self._recent)
            else ""
        )

    def end_now(self, *, is_reasoning: bool) -> str:
        """The text that makes the model answer at once, for a user who does not want to wait."""
        return self._ended_by("asked", self._budget.end_now(is_reasoning=is_reasoning))

    def _ended_by(self, reason: ReasoningEnd, forced: str) -> str:
        if forced:
            self.ended_by = reason
        return forced


class ReasoningBudget:
    """Counts the tokens of reasoning and says once what ends it."""

    def __init__(self, tokens: int | None, end_text: str) -> None:
        """`tokens` None is no limit, 0 no reasoning at all; `end_text` is the format's `reasoning_end`.

        A format without reasoning has no text that ends it, and so no budget.
        """
        if tokens is not None and tokens < 0:
            raise ValueError(f"a reasoning budget must be 0 or more, got {tokens}")
        self._tokens = tokens
        self._end_text = end_text
        self._is_spent = False
        self.used = 0

    @property
    def left(self) -> int | None:
        """Tokens until the budget is spent; None where there is none, or its text was forced."""
        if self._tokens is None or self._is_spent or not self._end_text:
            return None
        return max(0, self._tokens - self.used)

    def begin(self, *, is_reasoning: bool) -> str:
        """The text to force before the first token: a budget of 0 ends what the prompt has opened."""
        return self._force() if is_reasoning and self._tokens == 0 else ""

    def note(self, *, was_reasoning: bool, is_reasoning: bool) -> str:
        """Count one token, given the state before and after it; returns the text to force now, mostly none.

        The text is forced once: what a model thinks after that is its own choice, and counted.
        """
        if was_reasoning:
            self.used += 1
        if is_reasoning and self._tokens is not None and self.used >= self._tokens:
            return self._force()
        return ""

    def end_now(self, *, is_reasoning: bool) -> str:
        """The text that ends the reasoning whatever is left of the budget."""
        return self._force() if is_reasoning else ""

    def _force(self) -> str:
        if self._is_spent or not self._end_text:
            return ""
        self._is_spent = True
        return self._end_text


def loop_length(
    text: str, *, repeats: int = LOOP_REPEATS, min_length: int = LOOP_MIN_LENGTH, window: int = LOOP_WINDOW
) -> int:
    """The length of the stretch that a text ends in `repeats` times or more, 0 where there is none.

    Looks at the last `window` characters only: the cost does not grow with the answer.
    """
    if repeats < 2 or min_length < 1:
        raise ValueError(f"a loop needs 2 repeats of 1 character, got {repeats} of {min_length}")
    end = text[-window:]
    longest = len(end) // repeats
    if longest < min_length:
        return 0
    anchor = end[-min_length:]
    position = end.rfind(anchor, 0, len(end) - 1)
    while position >= 0:
        length = (
            len(end) - min_length - position
        )  # from one occurrence of the text's last characters to another
        if length > longest:
            return 0
        if length >= min_length and _repeats(end, length, repeats):
            return length
        position = end.rfind(anchor, 0, position + min_length - 1)
    return 0


def repeated_sentence(
    text: str,
    *,
    repeats: int = SENTENCE_REPEATS,
    min_length: int = SENTENCE_MIN_LENGTH,
    window: int = SENTENCE_WINDOW,
) -> str:
    """The sentence that stands `repeats` times or more in a text's end, empty where there is none.

    Finds circles that `loop_length` does not: the same thought again and again with other words between.
    """
    end = text[-window:]
    breaks = [index + 1 for index, character in enumerate(end) if character in ".!?\n。！？"]
    sentences = (end[start:stop].strip() for start, stop in pairwise([0, *breaks]))
    counts = Counter(sentence for sentence in sentences if len(sentence) >= min_length)
    sentence, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return sentence if count >= repeats else ""


def is_looping(text: str) -> bool:
    """Whether a text goes round in circles at its end."""
    return bool(loop_length(text) or repeated_sentence(text))


def _repeats(text: str, length: int, repeats: int) -> bool:
    stretch = text[-length:]
    comes_twice = text.endswith(stretch, 0, len(text) - length)  # tells most places at once
    return comes_twice and text.endswith(stretch * repeats) and not _BLANKS_AND_RULES.issuperset(stretch)

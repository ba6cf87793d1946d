"""From tokens to the parts of an answer: bytes, characters, marks, stop strings."""

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.chat.output_format import OutputFormat
from engine.chat.output_parser import OutputParser
from engine.chat.thinking import ReasoningWatch
from engine.contract.chat import Part, TextPart, ToolCallPart
from engine.contract.messages import ReasoningEnd
from engine.generation.backend import Backend
from engine.generation.detokenizer import Detokenizer
from engine.generation.stopping import StopStrings

CALL_ID_LENGTH = 9  # letters and digits: what Mistral's templates insist on, and the others take too
_ID_CHARACTERS = string.ascii_letters + string.digits


class AnswerParts:
    """Reads one answer, token by token. Stop strings count in its text alone."""

    def __init__(
        self,
        backend: Backend,
        output: OutputFormat,
        *,
        prompt: str,
        tools: Sequence[Mapping[str, Any]],
        stop: tuple[str, ...],
        reasoning_budget: int | None = None,
    ) -> None:
        """`prompt` tells whether the reasoning has been opened already; the budget is one of tokens."""
        self._backend = backend
        self._visible = marks_in_vocabulary(backend, output)
        self._detokenizer = Detokenizer()
        self._parser = OutputParser(output, prompt=prompt, tools=tools)
        self._stops = StopStrings(stop)
        self._has_stops = bool(stop)
        self._watch = ReasoningWatch(reasoning_budget, output.reasoning_end)
        self._forced = self._watch.begin(is_reasoning=self._parser.is_reasoning)
        self._mark_ends = {mark[-1].encode() for mark in output.reasoning_marks}

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come."""
        return self._stops.stopped

    @property
    def reasoning_tokens(self) -> int:
        """How many of the tokens were reasoning."""
        return self._watch.used

    @property
    def reasoning_ended_by(self) -> ReasoningEnd:
        """What ended the reasoning in the model's place."""
        return self._watch.ended_by

    def feed(self, token: int) -> list[Part]:
        """The parts that are certain after one more token."""
        piece = self._backend.piece(token, special=token in self._visible)
        text = self._detokenizer.feed(piece)
        if text and not self._has_stops and self._parser.passes(text):
            return [TextPart(text)]
        was_reasoning = self._parser.is_reasoning
        parts = self._parser.feed(text) if text else []
        self._forced += self._watch.note(
            text, was_reasoning=was_reasoning, is_reasoning=self._parser.is_reasoning
        )
        return self._until_stop(parts)

    def end_reasoning(self) -> None:
        """Force what ends the reasoning, where the model reasons."""
        self._forced += self._watch.end_now(is_reasoning=self._parser.is_reasoning)

    def num_together(self, guesses: Sequence[int]) -> int:
        """How many guessed tokens one step may check, so that the budget holds to the token.

        The tokens of a step are all there before the first of them is read, and one of the model's own comes
        after the guesses.
        """
        left = self._watch.left
        if left is None:
            return len(guesses)
        if self._parser.is_reasoning:
            return max(0, min(len(guesses), left - 1))
        before = next((place for place, token in enumerate(guesses) if self._may_open(token)), len(guesses))
        return min(len(guesses), before + left)

    def _may_open(self, token: int) -> bool:
        """Whether reasoning may begin after a token: it has the last character of a mark that opens it."""
        piece = self._backend.piece(token, special=True)
        return any(end in piece for end in self._mark_ends)

    def forced_text(self) -> str:
        """What the answer has to go on with, once; mostly nothing."""
        forced, self._forced = self._forced, ""
        return forced

    def finish(self) -> list[Part]:
        """What was held back, once the answer has ended."""
        if self.stopped:
            return []
        rest = [*self._parser.feed(self._detokenizer.finish()), *self._parser.finish()]
        parts = self._until_stop(rest)
        held = self._stops.finish()
        return [*parts, TextPart(held)] if held else parts

    def _until_stop(self, parts: Iterable[Part]) -> list[Part]:
        shown: list[Part] = []
        for part in parts:
            # no stop string reaches beyond the text it began in
            text = self._stops.feed(part.text) if isinstance(part, TextPart) else self._stops.finish()
            if text:
                shown.append(TextPart(text))
            if self.stopped:
                break
            if isinstance(part, ToolCallPart):
                shown.append(_with_id(part))
            elif not isinstance(part, TextPart):
                shown.append(part)
        return shown


def marks_in_vocabulary(backend: Backend, output: OutputFormat) -> frozenset[int]:
    """The control tokens that marks of a format consist of: their text is needed, that of others is not."""
    return frozenset(
        token
        for mark in output.marks
        for token in backend.tokenize(mark, add_special=False)
        if not backend.piece(token) and backend.piece(token, special=True) in mark.encode()
    )


def _with_id(call: ToolCallPart) -> ToolCallPart:
    """The same call with an id by which its result can name it."""
    if call.call_id or call.error:
        return call
    return replace(call, call_id="".join(secrets.choice(_ID_CHARACTERS) for _ in range(CALL_ID_LENGTH)))

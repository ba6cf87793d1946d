"""Splits an answer into text, reasoning and tool calls while it streams.

Half a mark is never shown; nothing a model writes is lost or raises: a call that cannot be read comes out
with what the model wrote and the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from engine.chat.output_format import OutputFormat
from engine.chat.scanner import Piece, Scanner
from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import Part, ReasoningPart, TextPart, ToolCallPart

PARAGRAPH = "\n\n"  # between two stretches of text, or of reasoning, that something else stood between
UNFINISHED = "the answer ended before the call did"


class OutputParser:
    """Reads one answer."""

    def __init__(
        self, output: OutputFormat, *, prompt: str = "", tools: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """`prompt` tells whether the reasoning has been opened already."""
        self._schemas = ToolSchemas(tools)
        self._output = output = output.with_tools(self._schemas.names)
        self._scanner = Scanner(output, output.first_region(prompt, has_tools=bool(tools)))
        self._last: Literal["text", "reasoning", "call", "mark"] = "mark"
        self._begun: set[str] = set()

    @property
    def is_reasoning(self) -> bool:
        """Whether what comes next is reasoning."""
        return self._scanner.is_reasoning

    def passes(self, text: str) -> bool:
        """Whether this text is certain to be a part as it stands: most of an answer is."""
        return self._last == "text" and self._scanner.passes(text)

    def feed(self, text: str) -> list[Part]:
        """The parts that are certain now; neighbours of one kind belong together."""
        return self._parts(self._scanner.feed(text))

    def finish(self) -> list[Part]:
        """What was held back, once the answer has ended."""
        return self._parts(self._scanner.finish())

    def _parts(self, pieces: Iterable[Piece]) -> list[Part]:
        parts: list[Part] = []
        for piece in pieces:
            if piece.kind == "call":
                parts += self._calls(piece)
            elif piece.kind != "mark":
                self._say(parts, piece.kind, piece.text)
            self._last = piece.kind
        return parts

    def _say(self, parts: list[Part], kind: Literal["text", "reasoning"], text: str) -> None:
        if kind in self._begun and self._last != kind:
            text = PARAGRAPH + text
        self._begun.add(kind)
        part = TextPart if kind == "text" else ReasoningPart
        if parts and isinstance(parts[-1], part):
            parts[-1] = part(parts[-1].text + text)
        else:
            parts.append(part(text))

    def _calls(self, piece: Piece) -> list[Part]:
        try:
            if not piece.is_closed and self._output.calls_need_close:
                raise ValueError("its closing mark is missing")
            calls = self._output.read_calls(piece.text, self._schemas)
            return [replace(call, raw=piece.text) for call in calls]
        except ValueError as error:
            if piece.or_text:
                parts: list[Part] = []
                self._say(parts, "text", piece.text)
                return parts
            reason = str(error) if piece.is_closed else f"{UNFINISHED}: {error}"
            return [ToolCallPart(raw=piece.text, error=reason)]

"""How a family of models writes its answers, as data: regions, and the marks that lead from one to the next.

`engine.chat.scanner` walks through an answer by such a table; `engine.chat.formats` holds one per family.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart

# A header is what stands before a message and says what kind of message it is.
Kind = Literal["text", "reasoning", "call", "header"]
CallReader = Callable[[str, ToolSchemas], list[ToolCallPart]]  # raises ValueError with the reason
ROUTED = ""  # as the region that follows a mark: the format's `route` says which, by the header
BARE_CALL = "bare call"  # the region of a call without a mark before it
MAX_HEADER_LENGTH = 200  # characters; more than this without a mark and it was no header


@dataclass(frozen=True, kw_only=True)
class Region:
    """A stretch of an answer, and what ends it."""

    kind: Kind
    steps: Mapping[str, str] = field(default_factory=dict)  # mark → the region that follows it
    kept: frozenset[str] = frozenset()  # marks with which the region that follows begins
    otherwise: str = ""  # set: marks count only before any other text, with which that region begins
    or_text: bool = False  # a call that cannot be read is text

    @property
    def trims(self) -> bool:
        """Whether blanks next to a mark belong to the mark."""
        return bool(self.steps)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the next mark; nothing in a region without marks."""
        return re.compile("|".join(map(re.escape, self.steps)) or r"(?!)")

    def unfinished_length(self, text: str, start: int) -> int:
        """How much of the text's end, from `start` on, may be the beginning of a mark."""
        first = max(start, len(text) - self._longest_beginning)
        for position in range(first, len(text)):
            if text[position] in self.first_characters and text[position:] in self._beginnings:
                return len(text) - position
        return 0

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(mark[:length] for mark in self.steps for length in range(1, len(mark)))

    @cached_property
    def first_characters(self) -> frozenset[str]:
        """What a mark may begin with."""
        return frozenset(mark[0] for mark in self.steps)

    @cached_property
    def _longest_beginning(self) -> int:
        return max(map(len, self._beginnings), default=0)


def _no_route(header: str) -> str:
    raise AssertionError(f"this format has no headers, got {header!r}")


def _no_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    raise ValueError("this format has no tool calls")


@dataclass(frozen=True, kw_only=True)
class OutputFormat:
    """The regions of one family's answers. The first region is called `start`."""

    name: str
    regions: Mapping[str, Region]
    start_with_tools: str = "start"  # where a request that offers tools begins
    read_calls: CallReader = _no_calls
    calls_need_close: bool = False  # a call without its closing mark may be unfinished without looking it
    route: Callable[[str], str] = _no_route
    inner_marks: tuple[str, ...] = ()  # control tokens inside calls and headers, which their readers need
    named_starts: tuple[str, ...] = ()  # begin a bare call in `start_with_tools`; know {name}, of a tool
    reasoning_begin: tuple[str, ...] = ()  # a prompt that ends so has opened the reasoning already
    reasoning_end: str = ""  # what to force when the reasoning has to end

    @cached_property
    def marks(self) -> frozenset[str]:
        """Every text that may be a control token of the vocabulary and has to be seen nevertheless."""
        return frozenset(mark for region in self.regions.values() for mark in region.steps) | frozenset(
            self.inner_marks
        )

    @cached_property
    def reasoning_marks(self) -> frozenset[str]:
        """Marks after which reasoning may begin."""
        steps = [step for region in self.regions.values() for step in region.steps.items()]
        return frozenset(mark for mark, to in steps if to == ROUTED or self.regions[to].kind == "reasoning")

    def with_tools(self, names: Iterable[str]) -> "OutputFormat":
        """The same where tools of these names are offered, for families that begin a call with the name."""
        starts = [start.format(name=name) for start in self.named_starts for name in names]
        if not starts:
            return self
        region = self.regions[self.start_with_tools]
        steps = dict(region.steps) | dict.fromkeys(starts, BARE_CALL)
        region = replace(region, steps=steps, kept=region.kept | frozenset(starts))
        return replace(self, regions=dict(self.regions) | {self.start_with_tools: region})

    def first_region(self, prompt: str, *, has_tools: bool) -> str:
        """Where the answer to a prompt begins."""
        if self.reasoning_begin and prompt.rstrip().endswith(self.reasoning_begin):
            return "reasoning"
        return self.start_with_tools if has_tools else "start"

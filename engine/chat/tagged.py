"""The usual way to write an answer as a table: reasoning between two marks, calls between two others."""

from engine.chat.call_bodies import json_calls
from engine.chat.output_format import BARE_CALL, CallReader, OutputFormat, Region


def tagged(
    name: str,
    *,
    think: tuple[str, str] = ("<think>", "</think>"),
    calls: dict[str, str] | None = None,
    read_calls: CallReader | None = None,
    calls_in_reasoning: bool = False,
    thinks_anywhere: bool = False,
    dropped: tuple[str, ...] = (),
    kept: tuple[str, ...] = (),
    at_start: tuple[str, ...] = (),
    named_starts: tuple[str, ...] = (),
    calls_need_close: bool = False,
    inner_marks: tuple[str, ...] = (),
) -> OutputFormat:
    """A format with `think` around the reasoning and a pair of marks around calls.

    `calls` maps a call's opening mark to its closing one, empty where only the next call or the end closes
    it; `dropped` marks say nothing; `kept` ones begin the call's body; `at_start` ones begin a bare call,
    where the answer consists of it and tools are offered, and so do `named_starts` with a tool's name.
    """
    calls = calls or {}
    opens, closes = think
    regions: dict[str, Region] = {}
    passing = dict.fromkeys(dropped, "text")
    into_call = {mark: f"call {index}" for index, mark in enumerate(calls)}
    text = passing | into_call | ({opens: "reasoning"} if thinks_anywhere else {})
    first = text | {opens: "reasoning"}
    regions["text"] = Region(kind="text", steps=text, kept=frozenset(kept))
    regions["start"] = Region(kind="text", steps=first, kept=frozenset(kept), otherwise="text")
    thinking = {closes: "text"} | (into_call if calls_in_reasoning else {})
    regions["reasoning"] = Region(kind="reasoning", steps=thinking, kept=frozenset(kept))
    for mark, close in calls.items():
        steps = {close: "start"} if close else {mark: into_call[mark]}
        regions[into_call[mark]] = Region(kind="call", steps=steps, or_text=mark in kept)
    if at_start:
        regions[BARE_CALL] = Region(kind="call", or_text=True)
        steps = first | dict.fromkeys(at_start, BARE_CALL)
        regions["start with tools"] = Region(
            kind="text", steps=steps, kept=frozenset(at_start), otherwise="text"
        )
    return OutputFormat(
        name=name,
        regions=regions,
        start_with_tools="start with tools" if at_start else "start",
        read_calls=read_calls or json_calls,
        named_starts=named_starts,
        calls_need_close=calls_need_close,
        inner_marks=inner_marks,
        reasoning_begin=(opens,),
        reasoning_end=f"\n{closes}\n\n",
    )

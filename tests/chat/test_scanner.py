"""Whatever a model writes and however it arrives: nothing is lost, no half mark is shown, work is linear."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.chat import formats
from engine.chat.output_format import OutputFormat
from engine.chat.output_parser import OutputParser
from engine.chat.scanner import Piece, Scanner
from engine.contract.chat import Part, ReasoningPart, TextPart, ToolCallPart

WORDS = (
    "a",
    "é😀",
    " ",
    "\n",
    "{",
    "}",
    '{"name": "f", "arguments": {}}',
    "analysis",
    "to=functions.f",
    "call:f{a:1}",
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[OutputFormat, str, list[str]]:
    """A format, an answer made of its marks, of halves of them and of words, and the same answer cut."""
    output = draw(st.sampled_from(formats.FORMATS))
    marks = sorted(output.marks)
    bits = st.sampled_from([*WORDS, *marks, *(mark[: len(mark) // 2] for mark in marks)])
    text = "".join(draw(st.lists(bits | st.text(max_size=3), max_size=14)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return output, text, [text[i:j] for i, j in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def pieces_of(output: OutputFormat, chunks: list[str], region: str) -> list[Piece]:
    scanner = Scanner(output, region)
    return [piece for chunk in chunks for piece in scanner.feed(chunk)] + scanner.finish()


def parts_of(output: OutputFormat, chunks: list[str], *, tools: bool) -> list[Part]:
    parser = OutputParser(output, tools=[{"type": "function"}] if tools else [])
    parts: list[Part] = []
    for part in [*(p for chunk in chunks for p in parser.feed(chunk)), *parser.finish()]:
        last = parts[-1] if parts else None
        if isinstance(part, TextPart) and isinstance(last, TextPart):
            parts[-1] = TextPart(last.text + part.text)
        elif isinstance(part, ReasoningPart) and isinstance(last, ReasoningPart):
            parts[-1] = ReasoningPart(last.text + part.text)
        else:
            parts.append(part)
    return parts


@settings(max_examples=400, deadline=None)
@given(answers(), st.data())
def test_nothing_is_lost(case: tuple[OutputFormat, str, list[str]], data: st.DataObject) -> None:
    output, text, chunks = case
    region = data.draw(st.sampled_from(sorted(output.regions)))
    assert "".join(piece.text for piece in pieces_of(output, chunks, region)) == text


@settings(max_examples=400, deadline=None)
@given(answers(), st.booleans())
def test_an_answer_in_pieces_gives_the_same_as_the_whole(
    case: tuple[OutputFormat, str, list[str]], tools: bool
) -> None:
    output, text, chunks = case
    assert parts_of(output, chunks, tools=tools) == parts_of(output, [text], tools=tools)


@settings(max_examples=400, deadline=None)
@given(answers())
def test_text_that_passes_would_come_out_as_it_is(case: tuple[OutputFormat, str, list[str]]) -> None:
    output, _, chunks = case
    through, past = OutputParser(output), OutputParser(output)
    for chunk in chunks:
        if chunk and past.passes(chunk):
            assert through.feed(chunk) == [TextPart(chunk)]
        else:
            assert through.feed(chunk) == past.feed(chunk)
    assert through.finish() == past.finish()


@settings(max_examples=200, deadline=None)
@given(answers())
def test_a_mark_that_counts_is_never_shown_nor_its_half_while_it_may_go_on(
    case: tuple[OutputFormat, str, list[str]],
) -> None:
    output, _, chunks = case
    text = output.regions.get("text", output.regions["start"])
    reasoning = [region for region in output.regions.values() if region.kind == "reasoning"]
    # each kind's own marks: one that opens reasoning counts for nothing once it is open
    marks = {"text": set(text.steps), "reasoning": {mark for region in reasoning for mark in region.steps}}
    scanner = Scanner(output, "text" if "text" in output.regions else "start")
    for chunk in chunks:
        for piece in scanner.feed(chunk):
            assert not any(mark in piece.text for mark in marks.get(piece.kind, ()))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(formats.FORMATS), st.text(max_size=60), st.sampled_from(["", "<think>", "[", "{"]))
def test_any_text_at_all_can_be_parsed(output: OutputFormat, text: str, prompt: str) -> None:
    parser = OutputParser(output, prompt=prompt)
    shown = [*parser.feed(text), *parser.finish()]
    assert all(isinstance(part, TextPart | ReasoningPart | ToolCallPart) for part in shown)


@pytest.mark.parametrize("output", formats.FORMATS, ids=lambda output: output.name)
def test_no_mark_is_part_of_another_of_the_same_region(output: OutputFormat) -> None:
    for region in output.regions.values():
        for mark in region.steps:
            assert not any(mark in other for other in region.steps if other != mark)
        assert all(step in {"", *output.regions} for step in region.steps.values())


def test_half_a_mark_at_the_end_of_a_chunk_waits() -> None:
    parser = OutputParser(formats.HERMES)
    assert parser.feed("Sure. <tool_") == [TextPart("Sure.")]
    assert parser.feed("box> it") == [TextPart(" <tool_box> it")]
    assert parser.feed(" <tool_call>{") == []
    (call,) = parser.finish()
    assert isinstance(call, ToolCallPart)


def seconds_for(output: OutputFormat, start: str, chunk: str, count: int) -> float:
    parser = OutputParser(output)
    parser.feed(start)
    started = time.process_time()
    for _ in range(count):
        parser.feed(chunk)
    parser.finish()
    return time.process_time() - started


@pytest.mark.parametrize(
    ("output", "start", "chunk"),
    [
        (formats.HERMES, "", "word "),
        (formats.HERMES, "", "\n"),
        (formats.HERMES, "a", " "),
        (formats.HERMES, "<think>", "hm <"),
        (formats.HERMES, "<tool_call>", "{[<"),
        (formats.HARMONY, "", "<|chan"),
        (formats.MISTRAL, "[TOOL_CALLS]", "[TOOL_"),
        (formats.LLAMA, "{", '"name'),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else repr(value),
)
def test_the_work_grows_with_the_length_and_no_faster(output: OutputFormat, start: str, chunk: str) -> None:
    short = min(seconds_for(output, start, chunk, 4_000) for _ in range(3))
    long = min(seconds_for(output, start, chunk, 32_000) for _ in range(2))
    assert long < 8 * short * 2.5 + 0.02


@pytest.mark.parametrize(
    ("output", "start", "bit", "end"),
    [
        (formats.MINIMAX, "<minimax:tool_call>", '<invoke name="f">', "</minimax:tool_call>"),
        (
            formats.MINIMAX,
            '<minimax:tool_call><invoke name="f">',
            '<parameter name="a">',
            "</invoke></minimax:tool_call>",
        ),
        (formats.QWEN_CODER, "<tool_call><function=f>", "<parameter=a>", "</function></tool_call>"),
        (formats.QWEN_CODER, "<tool_call>", "<function=a>", "</tool_call>"),
        (formats.GLM, "<tool_call>f", "<arg_key>", "</tool_call>"),
        (formats.GEMMA, "<|tool_call>call:f{", '<|"|>{,a ', "<tool_call|>"),
        (
            formats.DEEPSEEK,
            "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```",
            " \n`",
            "<｜tool▁call▁end｜>",
        ),
        (formats.LLAMA, "<|python_tag|>f.call(", 'a="\\"', ")"),
        (formats.MISTRAL, "[TOOL_CALLS]", "a [CALL_ID]", ""),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_a_call_that_never_ends_well_is_given_up_in_linear_time(
    output: OutputFormat, start: str, bit: str, end: str
) -> None:
    def seconds(count: int) -> float:
        parser = OutputParser(output)
        started = time.process_time()
        parts = [*parser.feed(start + bit * count + end), *parser.finish()]
        assert parts
        return time.process_time() - started

    short = min(seconds(4_000) for _ in range(3))
    assert min(seconds(32_000) for _ in range(2)) < 8 * short * 2.5 + 0.02


def test_one_long_chunk_full_of_marks_is_linear_too() -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        OutputParser(formats.HERMES).feed('<tool_call>{"name":"f"}</tool_call> and ' * count)
        return time.process_time() - started

    short = min(seconds(500) for _ in range(3))
    assert min(seconds(4_000) for _ in range(2)) < 8 * short * 2.5 + 0.02

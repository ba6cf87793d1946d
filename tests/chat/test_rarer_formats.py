"""What the families write whose templates are not at hand, and those with something of their own."""

import json
import re
from typing import Any

import pytest

from engine.chat import formats
from engine.chat import rarer_formats as rarer
from engine.chat.formats import choose_format
from engine.chat.output_format import OutputFormat
from engine.chat.output_parser import OutputParser
from engine.contract.chat import ChatMessage

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}
ARGUMENTS = '{"city": "Paris", "days": 3}'
PYTHON = "weather(city='Paris', days=3)"


def answer(output: OutputFormat, text: str, *, prompt: str = "", tools: bool = True) -> ChatMessage:
    """What comes of a text that arrives character by character, and of the same in one piece."""
    whole, cut = (OutputParser(output, prompt=prompt, tools=[WEATHER] if tools else []) for _ in range(2))
    at_once = ChatMessage.answer([*whole.feed(text), *whole.finish()])
    pieces = [part for character in text for part in cut.feed(character)]
    assert ChatMessage.answer([*pieces, *cut.finish()]) == at_once
    return at_once


def called(message: ChatMessage) -> list[tuple[str, dict[str, Any]]]:
    assert all(not call.error for call in message.tool_calls), message.tool_calls
    return [(call.name, json.loads(call.arguments)) for call in message.tool_calls]


PARIS = ("weather", {"city": "Paris", "days": 3})


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (formats.LLAMA, f"[{PYTHON}]"),
        (formats.LLAMA, f"<|python_start|>[{PYTHON}]<|python_end|>"),
        (formats.LLAMA, f'<|python_start|>{{"name": "weather", "parameters": {ARGUMENTS}}}<|python_end|>'),
        (rarer.PHI, f'<|tool_call|>[{{"name": "weather", "arguments": {ARGUMENTS}}}]<|/tool_call|>'),
        (rarer.PHI, f'<|tool_call|>[{{"name": "weather", "arguments": {ARGUMENTS}}}]'),
        (rarer.ERNIE, f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>'),
        (
            rarer.HUNYUAN,
            f"<tool_calls>\n<tool_call>weather\n```json\n{ARGUMENTS}\n```\n</tool_call>\n</tool_calls>",
        ),
        (rarer.OLMO, f"<function_calls>\n{PYTHON}\n</function_calls>"),
        (rarer.LFM, f"<|tool_call_start|>[{PYTHON}]<|tool_call_end|>"),
        (
            rarer.COMMAND_R,
            f'Action:\n```json\n[{{"tool_name": "weather", "parameters": {ARGUMENTS}}}]\n```',
        ),
        (
            rarer.COHERE,
            f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "weather", "parameters": {ARGUMENTS}}}]'
            "<|END_ACTION|>",
        ),
        (rarer.LISTED, f'<tool_calls>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_calls>'),
        (rarer.FUNCTIONARY_3_2, f"weather\n{ARGUMENTS}"),
        (rarer.FUNCTIONARY, f"<function=weather>{ARGUMENTS}</function>"),
        (rarer.APERTUS, f'<|tools_prefix|>[{{"weather": {ARGUMENTS}}}]<|tools_suffix|>'),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_a_call_is_read_as_its_family_writes_it(output: OutputFormat, text: str) -> None:
    message = answer(output, text)
    assert called(message) == [PARIS]
    assert (message.text, message.reasoning) == ("", "")


@pytest.mark.parametrize(
    ("output", "prompt", "text"),
    [
        (rarer.SEED, "", "<seed:think>Hm.</seed:think>\nYes."),
        (rarer.MINIMAX_M3, "", "<mm:think>Hm.</mm:think>Yes."),
        (rarer.COHERE, "<|START_THINKING|>", "Hm.<|END_THINKING|><|START_TEXT|>Yes.<|END_TEXT|>"),
        (rarer.COHERE, "", "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>"),
        (rarer.APERTUS, "", "<|inner_prefix|>Hm.<|inner_suffix|>Yes."),
        (rarer.APRIEL, "Here are my reasoning steps:\n", "Hm.\n[BEGIN FINAL RESPONSE]\nYes."),
        (rarer.PHI, "", "<think>Hm.</think><response>Yes.</response>"),
        (rarer.ERNIE, "<think>\n", "Hm.\n</think>\n\n<response>\nYes.\n</response>\n"),
        (rarer.HUNYUAN, "", "<think>\nHm.\n</think>\n<answer>\nYes.\n</answer>"),
        (rarer.HUNYUAN_3, "<think:opensource>", "Hm.</think:opensource>Yes."),
        (
            rarer.KIMI_3,
            "<|open|>think<|sep|>",
            "Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|>",
        ),
        (rarer.SOLAR, "", "<|think|>Hm.<|end|><|begin|>assistant<|content|>Yes.<|end|>"),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_reasoning_is_told_from_the_answer(output: OutputFormat, prompt: str, text: str) -> None:
    message = answer(output, text, prompt=prompt)
    assert (message.reasoning, message.text) == ("Hm.", "Yes.")


def test_who_is_spoken_to_stands_on_the_first_line() -> None:
    message = answer(rarer.FUNCTIONARY_3_2, f"all\nI ask.\n>>>weather\n{ARGUMENTS}")
    assert (message.text, called(message)) == ("I ask.", [PARIS])
    assert answer(rarer.FUNCTIONARY_3_2, "all the time").text == "all the time"


def test_a_list_is_an_answer_unless_it_calls_a_tool_that_is_offered() -> None:
    assert answer(formats.LLAMA, "[other(a=1)]").text == "[other(a=1)]"
    assert answer(formats.LLAMA, "[weather(is nice)]").text == "[weather(is nice)]"
    assert answer(formats.LLAMA, f"[{PYTHON}]", tools=False).text == f"[{PYTHON}]"
    assert answer(formats.LLAMA, "[1, 2]").text == "[1, 2]"


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("f()", {}),
        ("f(a=1, b=-2.5, c=+3, d=1e3, e=.5)", {"a": 1, "b": -2.5, "c": 3, "d": 1000.0, "e": 0.5}),
        ("f(a=True, b=false, c=None, d=null)", {"a": True, "b": False, "c": None, "d": None}),
        ("f(a='it\\'s', b=\"\\u00e9\\n\\x41\", c='a' 'b')", {"a": "it's", "b": "é\nA", "c": "ab"}),
        ("f(a=[1, [2], (3,)], b={'k': {'l': []}},)", {"a": [1, [2], [3]], "b": {"k": {"l": []}}}),
        ("f(a='), (')", {"a": "), ("}),
        ("f( a = 1 ,\n b = 2 )", {"a": 1, "b": 2}),
        ("f(größe=1)", {"größe": 1}),
    ],
)
def test_literals_of_python_are_read(source: str, arguments: dict[str, Any]) -> None:
    for text in (source, f"[{source}]", f"  [ {source} ]  "):
        message = answer(rarer.LFM, f"<|tool_call_start|>{text}<|tool_call_end|>")
        assert called(message) == [("f", arguments)]


def test_several_python_calls_come_one_after_another() -> None:
    message = answer(rarer.OLMO, "<function_calls>f(a=1)\ng.h(b=2)\n</function_calls>")
    assert called(message) == [("f", {"a": 1}), ("g.h", {"b": 2})]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("f(1)", "name=value"),
        ("f(a=b)", "b is not a literal"),
        ("f(a=__import__('os'))", "not a literal"),
        ("f(a=1", "is missing"),
        ("f(a='x", "does not end"),
        ("f(a=1) and more", "'\\('"),
        ("[f(a=1)] x", "more than calls"),
        ("", "no call"),
        ("f(a=" + "[" * 100_000, "too deeply"),
        ("f(a=1e999)", "JSON compliant"),
    ],
    ids=range(10),
)
def test_what_is_no_call_with_literals_says_why(source: str, reason: str) -> None:
    message = (
        answer(rarer.LFM, f"<|tool_call_start|>{source}<|tool_call_end|>") if len(source) < 1000 else None
    )
    parser = OutputParser(rarer.LFM, tools=[WEATHER])
    parts = [*parser.feed(f"<|tool_call_start|>{source}<|tool_call_end|>"), *parser.finish()]
    (call,) = (message or ChatMessage.answer(parts)).tool_calls
    assert call.raw == source
    assert re.search(reason, call.error)


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("<|tool_call|> <|/tool_call|>", rarer.PHI),
        ("<|tool|> <|/tool|> <|user|>", rarer.PHI),
        ("<think> <answer> <tool_calls> <tool_call>", rarer.HUNYUAN),
        ("<think> <response> <tool_call>", rarer.ERNIE),
        ("<function_calls>", rarer.OLMO),
        ("<|header_start|> <|python_start|>", formats.LLAMA),
        ("<|START_OF_TURN_TOKEN|> `directly-answer`", rarer.COMMAND_R),
        ("<tool_calls>", rarer.LISTED),
    ],
)
def test_a_template_tells_its_family_by_the_marks_in_it(words: str, output: OutputFormat) -> None:
    assert choose_format("{% for m in messages %}" + words + "{% endfor %}") is output

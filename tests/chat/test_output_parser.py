"""What each family writes, and what comes of it."""

import json
from typing import Any

import pytest

from engine.chat import formats
from engine.chat.formats import choose_format
from engine.chat.output_format import OutputFormat
from engine.chat.output_parser import UNFINISHED, OutputParser
from engine.contract.chat import ChatMessage, Part, ReasoningPart, TextPart, ToolCallPart

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


def parse(output: OutputFormat, text: str, *, prompt: str = "", tools: bool = True) -> list[Part]:
    parser = OutputParser(output, prompt=prompt, tools=[WEATHER] if tools else [])
    return [*parser.feed(text), *parser.finish()]


def answer(output: OutputFormat, text: str, *, prompt: str = "", tools: bool = True) -> ChatMessage:
    return ChatMessage.answer(parse(output, text, prompt=prompt, tools=tools))


def called(message: ChatMessage) -> list[tuple[str, dict[str, Any]]]:
    assert all(not call.error for call in message.tool_calls), message.tool_calls
    return [(call.name, json.loads(call.arguments)) for call in message.tool_calls]


PARIS = ("weather", {"city": "Paris", "days": 3})
CALLS = [
    (
        formats.HERMES,
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris", "days": 3}}\n</tool_call>',
    ),
    (
        formats.HERMES,
        '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Paris\\", \\"days\\": 3}"}',
    ),
    (
        formats.QWEN_CODER,
        "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
    ),
    (
        formats.QWEN_CODER,  # without the first mark, as it often comes
        "<function=weather>\n<parameter=city>\nParis\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
    ),
    (
        formats.GLM,
        "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
    ),
    (
        formats.GLM,
        "<tool_call>weather<arg_key>city</arg_key><arg_value>Paris</arg_value>"
        "<arg_key>days</arg_key><arg_value>3</arg_value></tool_call>",
    ),
    (
        formats.MINIMAX,
        '<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Paris</parameter>\n'
        '<parameter name="days">3</parameter>\n</invoke>\n</minimax:tool_call>',
    ),
    (
        formats.DEEPSEEK,
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
        '{"city": "Paris", "days": 3}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ),
    (
        formats.DEEPSEEK,
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city": "Paris", "days": 3}'
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    ),
    (
        formats.DEEPSEEK_DSML,
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="weather">\n'
        '<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    ),
    (
        formats.DEEPSEEK_DSML,
        '<｜DSML｜tool_calls><｜DSML｜invoke name="weather">'
        '<｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>'
        '<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>'
        "</｜DSML｜invoke></｜DSML｜tool_calls>",
    ),
    (
        formats.KIMI,
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>"
        '{"city": "Paris", "days": 3}<|tool_call_end|><|tool_calls_section_end|>',
    ),
    (formats.MISTRAL, '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris", "days": 3}}]'),
    (formats.MISTRAL, '[TOOL_CALLS]weather[ARGS]{"city": "Paris", "days": 3}'),
    (formats.MISTRAL, '[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{"city": "Paris", "days": 3}'),
    (formats.MISTRAL, '[TOOL_CALLS]weather{"city": "Paris", "days": 3}'),
    (formats.LLAMA, '{"name": "weather", "parameters": {"city": "Paris", "days": 3}}'),
    (formats.LLAMA, '{"type": "function", "name": "weather", "parameters": {"city": "Paris", "days": 3}}'),
    (formats.LLAMA, '<|python_tag|>{"name": "weather", "parameters": {"city": "Paris", "days": 3}}'),
    (formats.LLAMA, '<|python_tag|>weather.call(city="Paris", days=3)'),
    (
        formats.FUNCTION_GEMMA,
        "<start_function_call>call:weather{city:<escape>Paris<escape>,days:3}<end_function_call>",
    ),
    (formats.GEMMA, '<|tool_call>call:weather{city:<|"|>Paris<|"|>,days:3}<tool_call|>'),
    (
        formats.HARMONY,
        '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Paris", "days": 3}',
    ),
    (
        formats.HARMONY,
        ' to=functions.weather<|channel|>commentary json<|message|>{"city":"Paris","days":3}<|call|>',
    ),
]


@pytest.mark.parametrize(("output", "text"), CALLS, ids=[f"{o.name}-{i}" for i, (o, _) in enumerate(CALLS)])
def test_a_call_is_read_as_its_family_writes_it(output: OutputFormat, text: str) -> None:
    message = answer(output, text)
    assert called(message) == [PARIS]
    assert (message.text, message.reasoning) == ("", "")
    assert message.tool_calls[0].raw


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (formats.THINK, "<think>\nHm.\n</think>\n\nYes."),
        (formats.HERMES, "<think>\nHm.\n</think>\n\nYes."),
        (formats.QWEN_CODER, "<think>\nHm.\n</think>\n\nYes."),
        (formats.DEEPSEEK, "<think>\nHm.\n</think>\n\nYes."),
        (formats.DEEPSEEK_DSML, "<think>Hm.</think>Yes."),
        (formats.GLM, "\n<think>Hm.</think>\nYes."),
        (formats.KIMI, "<think>Hm.</think>Yes."),
        (formats.MINIMAX, "<think>\nHm.\n</think>\n\nYes."),
        (formats.MISTRAL, "[THINK]Hm.[/THINK]Yes."),
        (formats.GEMMA, "<|channel>thought\nHm.\n<channel|>Yes."),
        (
            formats.HARMONY,
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_reasoning_is_told_from_the_answer(output: OutputFormat, text: str) -> None:
    assert parse(output, text) == [ReasoningPart("Hm."), TextPart("Yes.")]


@pytest.mark.parametrize(
    ("output", "prompt", "text"),
    [
        (formats.THINK, "<|im_start|>assistant\n<think>\n", "Hm.\n</think>\n\nYes."),
        (formats.DEEPSEEK, "<｜Assistant｜><think>", "Hm.</think>Yes."),
        (formats.MINIMAX, "]~b]ai\n<think>\n", "Hm.\n</think>\n\nYes."),
        (formats.GEMMA, "<|turn>model\n<|channel>thought\n", "Hm.<channel|>Yes."),
        (
            formats.HARMONY,
            "<|start|>assistant<|channel|>analysis<|message|>",
            "Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_where_the_prompt_has_opened_the_reasoning_the_answer_begins_inside_it(
    output: OutputFormat, prompt: str, text: str
) -> None:
    parser = OutputParser(output, prompt=prompt)
    assert parser.is_reasoning
    assert [*parser.feed(text), *parser.finish()] == [ReasoningPart("Hm."), TextPart("Yes.")]
    assert not parser.is_reasoning


@pytest.mark.parametrize("output", formats.FORMATS, ids=lambda output: output.name)
def test_text_alone_comes_out_as_it_is(output: OutputFormat) -> None:
    text = " Two  words,\n\n{1: 2} [3] <b>4</b>\n"
    assert answer(output, text, tools=False) == ChatMessage(role="assistant", text=text)


@pytest.mark.parametrize(
    ("output", "text", "names"),
    [
        (formats.HERMES, '<tool_call>{"name": "a"}</tool_call>\n<tool_call>{"name": "b"}</tool_call>', "ab"),
        (formats.MISTRAL, "[TOOL_CALLS]a[ARGS]{}[TOOL_CALLS]b[ARGS]{}", "ab"),
        (
            formats.MISTRAL,
            '[TOOL_CALLS] [{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]',
            "ab",
        ),
        (formats.LLAMA, '{"name": "a", "parameters": {}}; {"name": "b", "parameters": {}}', "ab"),
        (
            formats.KIMI,
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.a:0<|tool_call_argument_begin|>{}"
            "<|tool_call_end|>\n<|tool_call_begin|>functions.b:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
            "<|tool_calls_section_end|>",
            "ab",
        ),
        (
            formats.MINIMAX,
            '<minimax:tool_call>\n<invoke name="a">\n</invoke>\n<invoke name="b">\n</invoke>\n'
            "</minimax:tool_call>",
            "ab",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, OutputFormat) else "",
)
def test_several_calls_come_one_after_another(output: OutputFormat, text: str, names: str) -> None:
    message = answer(output, text)
    assert [name for name, _ in called(message)] == list(names)
    assert message.text == ""


def test_kimi_names_its_calls() -> None:
    text = "<|tool_call_begin|>functions.weather:4<|tool_call_argument_begin|>{}<|tool_call_end|>"
    assert answer(formats.KIMI, text).tool_calls[0].call_id == "functions.weather:4"


def test_text_before_and_after_a_call_stays_apart() -> None:
    text = 'I look.\n<tool_call>{"name": "weather"}</tool_call>\nDone.'
    parts = parse(formats.HERMES, text)
    assert [type(part) for part in parts] == [TextPart, ToolCallPart, TextPart]
    assert answer(formats.HERMES, text).text == "I look.\n\nDone."


def test_a_preamble_of_gpt_oss_is_text_and_a_built_in_tool_gets_its_code() -> None:
    text = (
        "<|channel|>analysis<|message|>Plan.<|end|><|start|>assistant<|channel|>commentary<|message|>"
        "I run it.<|end|><|start|>assistant<|channel|>analysis to=python code<|message|>print(1)<|call|>"
    )
    message = answer(formats.HARMONY, text)
    assert (message.reasoning, message.text) == ("Plan.", "I run it.")
    assert called(message) == [("python", {"code": "print(1)"})]


@pytest.mark.parametrize(
    "header", ["<|channel|>??", "<|channel|>commentary?commentary?", "<|channel|>We need to", "<|channel|>"]
)
def test_a_malformed_header_of_gpt_oss_is_not_shown(header: str) -> None:
    text = f"{header}<|end|><|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
    text += "<|start|>assistant<|channel|>final<|message|>Yes."
    assert parse(formats.HARMONY, text) == [ReasoningPart("Hm."), TextPart("Yes.")]
    assert parse(formats.HARMONY, header) == []


def test_gpt_oss_without_any_header_is_text_all_the_same() -> None:
    text = "A fine-tune that forgot its channels. " * 20
    assert answer(formats.HARMONY, text).text == text
    assert answer(formats.HARMONY, "Short.").text == "Short."


def test_an_answer_may_speak_of_marks() -> None:
    text = "The `<think>` mark opens reasoning, `</think>` closes it."
    assert answer(formats.THINK, text).text == text
    assert answer(formats.HERMES, text).text == text


def test_json_is_an_answer_where_no_tools_are_offered() -> None:
    text = '{"name": "Ada", "born": 1815}'
    assert answer(formats.LLAMA, text, tools=False).text == text
    assert answer(formats.LLAMA, '{"city": 1}').text == '{"city": 1}'


def test_json_that_only_began_like_a_call_is_text() -> None:
    text = '{"name": "Ada", "parameters": 3}'
    assert answer(formats.LLAMA, text).text == text


def test_what_a_tool_takes_as_text_stays_text() -> None:
    text = "<tool_call>weather<arg_key>city</arg_key><arg_value>2024</arg_value></tool_call>"
    assert called(answer(formats.GLM, text)) == [("weather", {"city": "2024"})]
    assert called(answer(formats.GLM, text, tools=False)) == [("weather", {"city": 2024})]


def test_values_of_several_lines_and_lists_are_read() -> None:
    text = (
        "<tool_call><function=write><parameter=text>\nfirst\n\nsecond <b>\n</parameter>"
        "<parameter=tags>\n[1, 2]\n</parameter></function></tool_call>"
    )
    assert called(answer(formats.QWEN_CODER, text)) == [
        ("write", {"text": "first\n\nsecond <b>", "tags": [1, 2]})
    ]
    nested = '<|tool_call>call:f{a:{b:[1,<|"|>x, {y: z}<|"|>],c:true},d:null}<tool_call|>'
    assert called(answer(formats.GEMMA, nested)) == [
        ("f", {"a": {"b": [1, "x, {y: z}"], "c": True}, "d": None})
    ]


@pytest.mark.parametrize(
    ("output", "body", "reason"),
    [
        (formats.HERMES, "<tool_call>{not json}</tool_call>", "Expecting"),
        (formats.HERMES, "<tool_call></tool_call>", "there is no call"),
        (formats.HERMES, '<tool_call>{"arguments": {}}</tool_call>', "name is missing"),
        (formats.HERMES, '<tool_call>{"name": "f", "arguments": [1]}</tool_call>', "not a JSON object"),
        (formats.HERMES, '<tool_call>{"name": "f", "arguments": {"x": NaN}}</tool_call>', "NaN"),
        (formats.HERMES, "<tool_call>" + "[" * 100_000 + "</tool_call>", "too deeply"),
        (formats.HERMES, "<tool_call>[[1]]</tool_call>", "not a JSON object"),
        (formats.HERMES, '<tool_call>{"name": "f", "argum', UNFINISHED),
        (formats.GLM, "<tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value>", UNFINISHED),
        (formats.QWEN_CODER, "<tool_call>nothing</tool_call>", "there is no call"),
        (formats.DEEPSEEK, "<｜tool▁call▁begin｜>f{}<｜tool▁call▁end｜>", "name is missing"),
        (formats.KIMI, "<|tool_call_begin|>{}<|tool_call_end|>", "Expecting value"),
        (formats.MISTRAL, "[TOOL_CALLS]words alone", "Expecting value"),
        (formats.GEMMA, "<|tool_call>f(1)<tool_call|>", "call:name"),
        (formats.GEMMA, "<|tool_call>call:f{a:b c}<tool_call|>", "Expecting value"),
        (formats.LLAMA, "<|python_tag|>f.call(1)", "name=value"),
        (formats.LLAMA, "<|python_tag|>f.call(a=1, b)", "name=value"),
        (formats.LLAMA, "<|python_tag|>", UNFINISHED),
        (formats.MINIMAX, "<minimax:tool_call>f</minimax:tool_call>", "there is no call"),
        (formats.HARMONY, "<|channel|>commentary to=functions.f<|message|>{<|call|>", "Expecting"),
    ],
)
def test_a_call_that_cannot_be_read_keeps_what_was_written_and_says_why(
    output: OutputFormat, body: str, reason: str
) -> None:
    (call,) = answer(output, body).tool_calls
    assert reason in call.error
    assert call.raw in body
    assert call.name == ""


def test_half_a_surrogate_pair_in_arguments_can_still_be_written_to_the_wire() -> None:
    (call,) = answer(
        formats.HERMES, '<tool_call>{"name": "f", "arguments": {"a": "\\ud800"}}</tool_call>'
    ).tool_calls
    assert call.arguments.encode() == b'{"a": "\\ud800"}'


def test_reasoning_that_stops_for_a_call_needs_no_closing_mark_where_marks_are_control_tokens() -> None:
    text = (
        "<think>I call.<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_end|>Done."
    )
    message = answer(formats.KIMI, text)
    assert (message.reasoning, message.text, called(message)) == ("I call.", "Done.", [("f", {})])


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ("", formats.PLAIN),
        ("<start_of_turn>model", formats.PLAIN),
        ("<|im_start|>assistant\n<think>\n", formats.THINK),
        ("<tool_call></tool_call> <think>", formats.HERMES),
        ("<tool_call> <function=f> <parameter=p> <think>", formats.QWEN_CODER),
        ("<tool_call> <arg_key> <think>", formats.GLM),
        ("<think> <minimax:tool_call> <parameter name=", formats.MINIMAX),
        ("<｜User｜> <｜Assistant｜><think>", formats.DEEPSEEK),
        ("<｜Assistant｜> ｜DSML｜ <think>", formats.DEEPSEEK_DSML),
        ("<|im_middle|> <|tool_call_begin|>", formats.KIMI),
        ("[INST] [/INST]", formats.MISTRAL),
        ("[AVAILABLE_TOOLS] [TOOL_CALLS]", formats.MISTRAL),
        ("<|start_header_id|> <|python_tag|>", formats.LLAMA),
        ("<|start_header_id|> user <|end_header_id|>", formats.PLAIN),
        ("<start_function_call>", formats.FUNCTION_GEMMA),
        ("<|turn>model <|channel>thought", formats.GEMMA),
        ("<|start|>assistant<|channel|>final<|message|>", formats.HARMONY),
    ],
)
def test_a_template_tells_its_family_by_the_marks_in_it(words: str, output: OutputFormat) -> None:
    assert choose_format("{% for m in messages %}" + words + "{% endfor %}") is output

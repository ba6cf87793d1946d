"""Reading tool calls that are written as elements, each argument in one of its own and without its type.

Each function takes what stands between a call's marks, as those of `engine.chat.call_bodies` do.
"""

import json
import re
from collections.abc import Iterator

from engine.chat.call_bodies import json_calls
from engine.chat.call_values import json_value, make_call, require_calls, typed_value
from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart

MINIMAX_TOKEN = "]<]minimax[>["

_FUNCTION = re.compile(r"<(function)=([^>\n]+)>")
_PARAMETER = re.compile(r"<(parameter)=([^>\n]+)>")
_INVOKE = re.compile(r'<((?:｜DSML｜)?(?:invoke|function)) name="([^"\n]*)">')
_NAMED_PARAMETER = re.compile(r'<((?:｜DSML｜)?param(?:eter)?) name="([^"\n]*)"(?: string="(true|false)")?>')
_ANY_ELEMENT = re.compile(r"<(([\w.-]+))>")
_ARGUMENT_KEY = re.compile(r"<(arg_key(?::\w+)?)>")
_ARGUMENT_VALUE = re.compile(r"<(arg_value(?::\w+)?)>")
_BEFORE_ARGUMENTS = re.compile(r"\s*([^\s<]+)")
_BARE_KEY = re.compile(r"([{,]\s*)([^\s{}\[\],:\"]+)(\s*:)")
_OPENED_TOOL = re.compile(r'[^<]*?tool="([^"\n]*)"[^<]*<\|sep\|>')
_OPENED_ARGUMENT = re.compile(r'<\|open\|>argument key="([^"\n]*)"(?: type="(\w+)")?[^<]*<\|sep\|>')


def function_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Qwen3-Coder: `<function=name><parameter=key>value</parameter></function>`; Functionary: JSON inside."""
    if body.lstrip()[:1] == "{":
        return json_calls(body, schemas)
    calls = []
    if body.count("<function=") == 1 and "</function>" not in body:
        body += "</function>"
    for function, inner in _elements(body, _FUNCTION):
        name = function[2]
        if inner.lstrip()[:1] == "{":
            calls.append(make_call(name, json_value(inner)))
            continue
        arguments = {
            parameter[2]: typed_value(name, parameter[2], text, schemas)
            for parameter, text in _elements(inner, _PARAMETER)
        }
        calls.append(make_call(name, arguments))
    return require_calls(calls)


def invoke_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """MiniMax M2, DeepSeek V3.2: `<invoke name="…"><parameter name="…">value</parameter></invoke>`.

    MiniCPM calls the same elements `function` and `param`.
    """
    calls = []
    for invoke, inner in _elements(body, _INVOKE):
        arguments = {}
        for parameter, text in _elements(inner, _NAMED_PARAMETER):
            is_text = parameter[3] == "true"
            arguments[parameter[2]] = text if is_text else typed_value(invoke[2], parameter[2], text, schemas)
        calls.append(make_call(invoke[2], arguments))
    return require_calls(calls)


def invoked_elements(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """MiniMax M3: `<invoke name="…"><key>value</key></invoke>`, with a token before each element."""
    calls = []
    for invoke, inner in _elements(body.replace(MINIMAX_TOKEN, ""), _INVOKE):
        arguments = {
            element[2]: typed_value(invoke[2], element[2], text, schemas)
            for element, text in _elements(inner, _ANY_ELEMENT)
        }
        calls.append(make_call(invoke[2], arguments))
    return require_calls(calls)


def keyed_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """GLM: `name<arg_key>key</arg_key><arg_value>value</arg_value>`; Hunyuan 3 adds a word to each mark."""
    if body.lstrip()[:1] == "{":
        return json_calls(body, schemas)
    found = _BEFORE_ARGUMENTS.match(body)
    name = found[1] if found else ""
    keys = [key.strip() for _, key in _elements(body, _ARGUMENT_KEY)]
    texts = [text for _, text in _elements(body, _ARGUMENT_VALUE)]
    if len(keys) != len(texts):
        raise ValueError("keys and values do not pair")
    pairs = zip(keys, texts, strict=True)
    return [make_call(name, {key: typed_value(name, key, text, schemas) for key, text in pairs})]


def opened_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Kimi K3: `call tool="name"<sep>`, then `argument key="…" type="…"<sep>value` opened and closed."""
    tool = _OPENED_TOOL.match(body)
    if not tool:
        raise ValueError("the name is missing")
    arguments = {}
    for argument, text in _elements(body, _OPENED_ARGUMENT, "<|close|>argument<|sep|>"):
        is_text = argument[2] == "string"
        arguments[argument[1]] = text if is_text else typed_value(tool[1], argument[1], text, schemas)
    return [make_call(tool[1], arguments)]


def braced_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """Gemma: `call:name{key:<|"|>text<|"|>,other:3}`, with `<escape>` around texts in FunctionGemma."""
    head, brace, arguments = body.strip().partition("{")
    if not brace or not head.startswith("call:"):
        raise ValueError("it is not of the form call:name{…}")
    quote = "<escape>" if "<escape>" in body else '<|"|>'
    parts = (brace + arguments).split(quote)
    for index, part in enumerate(parts):  # every second part is a text
        is_text = index % 2 == 1
        parts[index] = json.dumps(part) if is_text else _BARE_KEY.sub(r'\1"\2"\3', part)
    return [make_call(head.removeprefix("call:"), json_value("".join(parts)))]


def _elements(body: str, opening: re.Pattern[str], close: str = "") -> Iterator[tuple[re.Match[str], str]]:
    """Each element that `opening` begins, with what is inside; `</its first group>` closes it; linear."""
    position = 0
    while found := opening.search(body, position):
        closing = close or f"</{found[1]}>"
        end = body.find(closing, found.end())
        if end < 0:
            return
        yield found, body[found.end() : end]
        position = end + len(closing)

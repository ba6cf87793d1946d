"""Reading tool calls out of what stands between their marks; one function per way of writing them.

Each takes the body and the tools' schemas and returns at least one call, or raises ValueError with the
reason. What a model writes is never trusted to be well-formed. Where each way of writing is documented
stands beside the families that use it, in `engine.chat.formats`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart

_SEPARATOR = re.compile(r"[\s;,]*")
_KIMI_ID = re.compile(r"(?:functions\.)?(?P<name>[^:\s]+)(?::\d+)?")
_BRACKETED = re.compile(
    r"\s*(?P<name>[^\s\[{]+)\s*(?:\[CALL_ID\](?P<id>[^\[{]*))?(?:\[ARGS\])?\s*(?P<arguments>\{.*)", re.DOTALL
)
_FUNCTION = re.compile(r"<(function)=([^>\n]+)>")
_PARAMETER = re.compile(r"<(parameter)=([^>\n]+)>")
_INVOKE = re.compile(r'<((?:｜DSML｜)?invoke) name="([^"\n]*)">')
_NAMED_PARAMETER = re.compile(r'<((?:｜DSML｜)?parameter) name="([^"\n]*)"(?: string="(true|false)")?>')
_ARGUMENT_KEY = re.compile(r"<(arg_key)>")
_ARGUMENT_VALUE = re.compile(r"<(arg_value)>")
_BARE_KEY = re.compile(r"([{,]\s*)([^\s{}\[\],:\"]+)(\s*:)")
_PYTHON_CALL = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\.call\(")
_KEYWORD = re.compile(r'\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,"]+)\s*(?:,|$)', re.DOTALL)


def json_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """JSON objects with name and arguments (or parameters): one, several after one another, or a list."""
    calls: list[ToolCallPart] = []
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse_constant)
    position = _skip(body, 0)
    while position < len(body):
        try:
            value, position = decoder.raw_decode(body, position)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        calls += [_from_object(item) for item in (value if isinstance(value, list) else [value])]
        position = _skip(body, position)
    return _not_empty(calls)


def named_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """DeepSeek: `name<sep>{…}`, or `function<sep>name` and the arguments in a fenced block."""
    left, separator, right = body.partition("<｜tool▁sep｜>")
    if not separator:
        raise ValueError("the name is missing")
    name, _, fenced = right.strip().partition("\n")
    if fenced.startswith("```"):
        return [_call(name, _loads(fenced.removeprefix("```json").strip("`")))]
    return [_call(left, _loads(right))]


def identified_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """Kimi: `functions.name:0<begin>{…}`, where the first part is the call's id too."""
    call_id, _, arguments = body.partition("<|tool_call_argument_begin|>")
    found = _KIMI_ID.fullmatch(call_id.strip())
    if not found:
        raise ValueError("the name is missing")
    return [_call(found["name"], _loads(arguments), call_id.strip())]


def bracketed_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Mistral: a list of JSON objects, or `name[CALL_ID]id[ARGS]{…}`."""
    found = _BRACKETED.fullmatch(body)
    if not found or body.lstrip()[:1] in ("[", "{"):
        return json_calls(body, schemas)
    return [_call(found["name"], _loads(found["arguments"]), (found["id"] or "").strip())]


def addressed_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """gpt-oss: a header with `to=functions.name`, then the arguments."""
    header, _, content = body.partition("<|message|>")
    found = re.search(r"to=([^\s<]+)", header)
    name = (found[1] if found else "").removeprefix("functions.")
    if name == "python":  # its one built-in tool that takes code as it is
        return [_call(name, {"code": content})]
    return [_call(name, _loads(content))]


def python_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Llama after its Python tag: JSON, `tool.call(query="…")`, or Python code."""
    if body.lstrip()[:1] in ("{", "["):
        return json_calls(body, schemas)
    found = _PYTHON_CALL.match(body)
    if found and body.rstrip().endswith(")"):
        return [_call(found["name"], _keywords(body[found.end() :].rstrip()[:-1]))]
    if not body.strip():
        raise ValueError("it is empty")
    return [_call("python", {"code": body.strip()})]


def function_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Qwen3-Coder: `<function=name><parameter=key>value</parameter></function>`."""
    if body.lstrip()[:1] == "{":
        return json_calls(body, schemas)
    calls = []
    if body.count("<function=") == 1 and "</function>" not in body:
        body += "</function>"
    for function, inner in _elements(body, _FUNCTION):
        name = function[2]
        arguments = {
            parameter[2]: _value(name, parameter[2], value, schemas)
            for parameter, value in _elements(inner, _PARAMETER)
        }
        calls.append(_call(name, arguments))
    return _not_empty(calls)


def invoke_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """MiniMax and DeepSeek V3.2: `<invoke name="…"><parameter name="…">value</parameter></invoke>`."""
    calls = []
    for invoke, inner in _elements(body, _INVOKE):
        arguments = {}
        for parameter, value in _elements(inner, _NAMED_PARAMETER):
            is_text = parameter[3] == "true"
            arguments[parameter[2]] = value if is_text else _value(invoke[2], parameter[2], value, schemas)
        calls.append(_call(invoke[2], arguments))
    return _not_empty(calls)


def keyed_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """GLM: `name<arg_key>key</arg_key><arg_value>value</arg_value>`."""
    if body.lstrip()[:1] == "{":
        return json_calls(body, schemas)
    name = body.partition("<arg_key>")[0].strip()
    keys = [key.strip() for _, key in _elements(body, _ARGUMENT_KEY)]
    values = [value for _, value in _elements(body, _ARGUMENT_VALUE)]
    if len(keys) != len(values):
        raise ValueError("keys and values do not pair")
    pairs = zip(keys, values, strict=True)
    return [_call(name, {key: _value(name, key, value, schemas) for key, value in pairs})]


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
    return [_call(head.removeprefix("call:"), _loads("".join(parts)))]


def _from_object(value: object) -> ToolCallPart:
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    inner = value.get("function")
    call_id = value.get("id")
    if isinstance(inner, dict):
        value = inner
    name = value.get("name", inner)
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):  # written twice
        arguments = _loads(arguments)
    return _call(name, arguments, call_id if isinstance(call_id, str) else "")


def _call(name: object, arguments: object, call_id: str = "") -> ToolCallPart:
    if not isinstance(name, str) or not name.strip():
        raise ValueError("the name is missing")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments are not a JSON object")
    text = json.dumps(arguments, ensure_ascii=False)
    if not _is_encodable(text):  # half a surrogate pair stays an escape
        text = json.dumps(arguments)
    if not _is_encodable(name):
        raise ValueError("the name is no text")
    return ToolCallPart(name=name.strip(), arguments=text, call_id=call_id if _is_encodable(call_id) else "")


def _loads(text: str) -> Any:
    try:
        return json.loads(text, strict=False, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _value(tool: str, parameter: str, text: str, schemas: ToolSchemas) -> Any:
    """An argument written without its type: JSON where it reads as such and text is not asked for."""
    text = text.removeprefix("\n").removesuffix("\n")
    if schemas.is_string(tool.strip(), parameter.strip()):
        return text
    try:
        value = _loads(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


def _keywords(source: str) -> dict[str, Any]:
    """The keyword arguments of a Python call, as Llama's template writes them."""
    arguments: dict[str, Any] = {}
    position = 0
    while position < len(source):
        found = _KEYWORD.match(source, position)
        if not found:
            raise ValueError("its arguments are not name=value pairs")
        value = found[2].strip()
        try:
            arguments[found[1]] = _loads(value)
        except ValueError:
            arguments[found[1]] = value.strip('"')
        position = found.end()
    return arguments


def _elements(body: str, opening: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Each element that `opening` begins and `</its first group>` closes, with what is inside; linear."""
    position = 0
    while found := opening.search(body, position):
        close = f"</{found[1]}>"
        end = body.find(close, found.end())
        if end < 0:
            return
        yield found, body[found.end() : end]
        position = end + len(close)


def _skip(body: str, position: int) -> int:
    found = _SEPARATOR.match(body, position)
    return found.end() if found else position


def _not_empty(calls: list[ToolCallPart]) -> list[ToolCallPart]:
    if not calls:
        raise ValueError("there is no call in it")
    return calls


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Reading tool calls out of what stands between their marks; one function per way of writing them.

Each takes the body and the tools' schemas and returns at least one call, or raises ValueError with the
reason. What a model writes is never trusted to be well-formed. Where each way of writing is documented
stands beside the families that use it, in `engine.chat.formats`.
"""

import json
import re

from engine.chat.call_values import json_value, make_call, refuse_constant, require_calls
from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart

_SEPARATOR = re.compile(r"[\s;,]*")
_KIMI_ID = re.compile(r"(?:functions\.)?(?P<name>[^:\s]+)(?::\d+)?")
_BRACKETED = re.compile(
    r"\s*(?P<name>[^\s\[{]+)\s*(?:\[CALL_ID\](?P<id>[^\[{]*))?(?:\[ARGS\])?\s*(?P<arguments>\{.*)", re.DOTALL
)


def json_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """JSON objects with name and arguments (or parameters): one, several after one another, or a list."""
    calls: list[ToolCallPart] = []
    decoder = json.JSONDecoder(strict=False, parse_constant=refuse_constant)
    position = _skip(body, 0)
    while position < len(body):
        try:
            value, position = decoder.raw_decode(body, position)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        calls += [_from_object(item) for item in (value if isinstance(value, list) else [value])]
        position = _skip(body, position)
    return require_calls(calls)


def named_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """DeepSeek: `name<sep>{…}`, or `function<sep>name` and the arguments in a fenced block."""
    left, separator, right = body.partition("<｜tool▁sep｜>")
    if not separator:
        raise ValueError("the name is missing")
    name, _, fenced = right.strip().partition("\n")
    if fenced.startswith("```"):
        return [make_call(name, json_value(fenced.removeprefix("```json").strip("`")))]
    return [make_call(left, json_value(right))]


def identified_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """Kimi: `functions.name:0<begin>{…}`, where the first part is the call's id too."""
    call_id, _, arguments = body.partition("<|tool_call_argument_begin|>")
    found = _KIMI_ID.fullmatch(call_id.strip())
    if not found:
        raise ValueError("the name is missing")
    return [make_call(found["name"], json_value(arguments), call_id.strip())]


def bracketed_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Mistral: a list of JSON objects, or `name[CALL_ID]id[ARGS]{…}`."""
    found = _BRACKETED.fullmatch(body)
    if not found or body.lstrip()[:1] in ("[", "{"):
        return json_calls(body, schemas)
    return [make_call(found["name"], json_value(found["arguments"]), (found["id"] or "").strip())]


def fenced_json_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Command R: `Action:` and a fenced list of JSON objects."""
    text = body.strip().removeprefix("Action:").strip()
    return json_calls(text.removeprefix("```json").removesuffix("```"), schemas)


def keyed_json_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """Apertus: a list of objects whose one key is the name and whose value the arguments."""
    found = json_value(body)
    objects = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) and len(one) == 1 for one in objects):
        raise ValueError("it is not a list of objects with one key")
    return require_calls([make_call(name, arguments) for one in objects for name, arguments in one.items()])


def named_json_block(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Functionary 3.2, Hunyuan: the name on a line of its own, then the arguments, perhaps in a fence."""
    if body.lstrip()[:1] == "{":
        return json_calls(body, schemas)
    name, _, arguments = body.strip().partition("\n")
    return [make_call(name, json_value(arguments.strip().removeprefix("```json").removesuffix("```")))]


def token_separated_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """Solar: the id, a token, the name, another token, and the arguments."""
    call_id, _, rest = body.partition("<|tool_call:name|>")
    name, separator, arguments = rest.partition("<|tool_call:args|>")
    if not separator:
        raise ValueError("the name is missing")
    return [make_call(name, json_value(arguments), call_id.strip())]


def addressed_json_call(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:  # noqa: ARG001
    """gpt-oss: a header with `to=functions.name`, then the arguments."""
    header, _, content = body.partition("<|message|>")
    found = re.search(r"to=([^\s<]+)", header)
    name = (found[1] if found else "").removeprefix("functions.")
    if name == "python":  # its one built-in tool that takes code as it is
        return [make_call(name, {"code": content})]
    return [make_call(name, json_value(content))]


def _from_object(value: object) -> ToolCallPart:
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    inner = value.get("function")
    call_id = value.get("id")
    if isinstance(inner, dict):
        value = inner
    name = value.get("name", value.get("tool_name", inner))  # Cohere says tool_name
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):  # written twice
        arguments = json_value(arguments)
    return make_call(name, arguments, call_id if isinstance(call_id, str) else "")


def _skip(body: str, position: int) -> int:
    found = _SEPARATOR.match(body, position)
    return found.end() if found else position

"""From what a model wrote to a call's name and arguments; shared by all ways of writing calls."""

import json
from typing import Any, NoReturn

from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart


def make_call(name: object, arguments: object, call_id: str = "") -> ToolCallPart:
    """A call of a tool; raises ValueError where it is none."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("the name is missing")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments are not a JSON object")
    text = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    if not _is_encodable(text):  # half a surrogate pair stays an escape
        text = json.dumps(arguments)
    if not _is_encodable(name):
        raise ValueError("the name is no text")
    return ToolCallPart(name=name.strip(), arguments=text, call_id=call_id if _is_encodable(call_id) else "")


def json_value(text: str) -> Any:
    """A JSON value; raises ValueError."""
    try:
        return json.loads(text, strict=False, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def typed_value(tool: str, parameter: str, text: str, schemas: ToolSchemas) -> Any:
    """An argument written without its type: JSON where it reads as such and text is not asked for."""
    text = text.removeprefix("\n").removesuffix("\n")
    if schemas.is_string(tool.strip(), parameter.strip()):
        return text
    try:
        value = json_value(text)
    except ValueError:
        return text
    return text if isinstance(value, str) else value


def require_calls(calls: list[ToolCallPart]) -> list[ToolCallPart]:
    """The calls; raises ValueError where there are none."""
    if not calls:
        raise ValueError("there is no call in it")
    return calls


def refuse_constant(name: str) -> NoReturn:
    """For `parse_constant`: NaN and Infinity are not JSON."""
    raise ValueError(f"{name} is not JSON")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

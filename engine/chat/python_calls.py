"""Reading tool calls that are written in Python: `[weather(city="Paris", days=3)]`.

A parser of our own for calls with literal arguments: what a model writes is not given to Python's.
"""

import re
from typing import Any

from engine.chat.call_bodies import json_calls
from engine.chat.call_values import json_value, make_call, require_calls
from engine.chat.tool_schemas import ToolSchemas
from engine.contract.chat import ToolCallPart

MAX_DEPTH = 50  # of lists within lists
NO_PAIRS = "its arguments are not name=value pairs"

_BLANKS = re.compile(r"[\s;]*")
_NAME = re.compile(r"[^\W\d][\w.-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_TOOL_METHOD = ".call"  # of Llama 3.1's own tools: brave_search.call(query="…")
_METHOD_CALL = re.compile(r"\s*[A-Za-z_]\w*\.call\(")


def python_calls(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """JSON, or calls one after another, with or without a list around them."""
    start = body.lstrip()
    if start[:1] == "{" or start[:2] == "[{" or re.match(r"\[\s*\{", start):
        return json_calls(body, schemas)
    return require_calls(_Reader(body).calls())


def python_code(body: str, schemas: ToolSchemas) -> list[ToolCallPart]:
    """Llama: JSON, a list of calls, `tool.call(query="…")`, or else code for a tool called python."""
    if not body.strip() or body.lstrip()[0] in "{[" or _METHOD_CALL.match(body):
        return python_calls(body, schemas)
    return [make_call("python", {"code": body.strip()})]


class _Reader:
    """Goes through a text from left to right; every step that does not fit is a ValueError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0

    def calls(self) -> list[ToolCallPart]:
        is_list = self._take("[")
        calls = []
        while self._peek() and self._peek() != "]":
            calls.append(self._call())
            self._take(",")
        if is_list:
            self._expect("]")
        if self._peek():
            raise ValueError("there is more than calls in it")
        return calls

    def _call(self) -> ToolCallPart:
        name = self._match(_NAME, "a name is missing")[0].removesuffix(_TOOL_METHOD)
        self._expect("(")
        arguments: dict[str, Any] = {}
        while self._peek() not in (")", ""):
            key = self._match(_NAME, NO_PAIRS)[0]
            if not self._take("="):
                raise ValueError(NO_PAIRS)
            arguments[key] = self._value()
            if not self._take(","):
                break
        self._expect(")")
        return make_call(name, arguments)

    def _value(self) -> Any:
        start = self._peek()
        if start in _CLOSING:
            return self._collection(start)
        if start in ("'", '"'):
            text = ""
            while self._peek() in ("'", '"'):  # neighbours are one text
                text += self._string()
            return text
        if found := _NUMBER.match(self._text, self._position):
            self._position = found.end()
            return _number(found[0])
        word = self._match(_NAME, "an argument is not a literal")[0]
        if word not in _WORDS:
            raise ValueError(f"{word} is not a literal")
        return _WORDS[word]

    def _collection(self, opening: str) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        self._expect(opening)
        items: list[Any] = []
        entries: dict[str, Any] = {}
        while self._peek() not in (_CLOSING[opening], ""):
            item = self._value()
            if opening == "{":
                self._expect(":")
                entries[str(item)] = self._value()
            else:
                items.append(item)
            if not self._take(","):
                break
        self._expect(_CLOSING[opening])
        self._depth -= 1
        return entries if opening == "{" else items

    def _string(self) -> str:
        found = self._match(_TEXT, "a text does not end")
        return _ESCAPE.sub(_unescaped, found[1] if found[1] is not None else found[2])

    def _peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        found = _BLANKS.match(self._text, self._position)
        self._position = found.end() if found else self._position
        return self._text[self._position : self._position + 1]

    def _take(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._position += 1
        return True

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise ValueError(f"{character!r} is missing")

    def _match(self, pattern: re.Pattern[str], reason: str) -> re.Match[str]:
        self._peek()
        found = pattern.match(self._text, self._position)
        if not found:
            raise ValueError(reason)
        self._position = found.end()
        return found


def _number(text: str) -> Any:
    plain = text.lstrip("+")
    try:
        return json_value(plain)
    except ValueError:
        return float(plain)


def _unescaped(found: re.Match[str]) -> str:
    escaped = found[1]
    if len(escaped) > 1:
        return chr(int(escaped[1:], 16))
    return _ESCAPES.get(escaped, escaped)

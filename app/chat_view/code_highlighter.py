"""Colours for code, line by line: what was coloured stays so while lines are appended.

A Pygments lexer is a table of regular expressions and a stack of states, so the stack at a line's end is all
that the next line needs. The few lexers that work otherwise colour the whole code once it is complete.
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

from pygments.lexer import Lexer, RegexLexer
from pygments.lexers import find_lexer_class, get_all_lexers
from pygments.token import Token as PygmentsToken
from pygments.token import _TokenType

LONGEST = 200_000  # characters; more stays in one colour
LONGEST_LINE = 2000
COMMON = (
    "python",
    "javascript",
    "typescript",
    "bash",
    "json",
    "html",
    "css",
    "c",
    "c++",
    "java",
    "sql",
    "rust",
    "go",
)
_IN_COMMENT = "\0comment"  # a state of ours, beside the lexer's own
_KINDS: tuple[tuple[_TokenType, str], ...] = (
    (PygmentsToken.Comment, "code_comment"),
    (PygmentsToken.Keyword.Type, "code_builtin"),
    (PygmentsToken.Keyword.Constant, "code_number"),
    (PygmentsToken.Keyword, "code_keyword"),
    (PygmentsToken.Operator.Word, "code_keyword"),
    (PygmentsToken.Literal.String, "code_string"),
    (PygmentsToken.Literal.Number, "code_number"),
    (PygmentsToken.Name.Function, "code_name"),
    (PygmentsToken.Name.Class, "code_name"),
    (PygmentsToken.Name.Tag, "code_keyword"),
    (PygmentsToken.Name.Attribute, "code_name"),
    (PygmentsToken.Name.Decorator, "code_builtin"),
    (PygmentsToken.Name.Builtin, "code_builtin"),
    (PygmentsToken.Name.Exception, "code_builtin"),
    (PygmentsToken.Generic.Deleted, "code_keyword"),
    (PygmentsToken.Generic.Inserted, "code_string"),
    (PygmentsToken.Generic.Heading, "code_name"),
)


@dataclass(frozen=True, slots=True)
class Coloured:
    """Characters of a line, and the theme's colour for them."""

    start: int
    length: int
    token: str  # a field of Tokens


_LEXERS: dict[str, Lexer | None] = {}  # by the language as a fence names it


def find_lexer(language: str) -> Lexer | None:
    """The lexer for a language as a fence names it; looks for no plug-ins.

    The first time it takes up to 50 ms to compile its expressions.
    """
    if language not in _LEXERS:
        name = _names().get(language.lower())
        lexer_class = find_lexer_class(name) if name else None
        _LEXERS[language] = lexer_class(ensurenl=False, stripnl=False) if lexer_class else None
    return _LEXERS[language]


def preload(language: str) -> None:
    """Have a lexer ready before it is needed."""
    lexer = find_lexer(language)
    if isinstance(lexer, RegexLexer):
        _lex_line(lexer, "\n", ("root",))


@cache
def _names() -> dict[str, str]:
    return {alias: name for name, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


@cache
def _colour(kind: _TokenType) -> str:
    return next((token for parent, token in _KINDS if kind in parent), "")


class CodeHighlighter:
    """The colours of one code's lines."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._lines: list[tuple[Coloured, ...]] = []
        self._states: list[tuple[str, ...]] = [("root",)]

    @property
    def is_ready(self) -> bool:
        """Whether the lexer is there already."""
        return self._language in _LEXERS

    @property
    def _lexer(self) -> Lexer | None:
        return find_lexer(self._language) if self._language else None

    @property
    def _is_line_wise(self) -> bool:
        lexer = self._lexer
        plain = RegexLexer.get_tokens_unprocessed
        return isinstance(lexer, RegexLexer) and type(lexer).get_tokens_unprocessed is plain

    @property
    def num_lines(self) -> int:
        """How many lines have their colours."""
        return len(self._lines)

    def can_colour(self, *, is_complete: bool) -> bool:
        """Whether there are colours for this language, now or once the code is complete."""
        if not self.is_ready:
            return self._language.lower() in _names()
        return self._lexer is not None and (self._is_line_wise or is_complete)

    def line(self, number: int) -> tuple[Coloured, ...]:
        """The colours of a line; none where it has not got them yet."""
        return self._lines[number] if number < len(self._lines) else ()

    def forget_from(self, number: int) -> None:
        """Lines from this one on are different now."""
        del self._lines[number:]
        del self._states[number + 1 :]

    def colour(self, lines: list[str], end: int, *, is_complete: bool) -> None:
        """Colour lines up to a number, as far as that can be done now."""
        lexer = self._lexer
        if lexer is None:
            return
        if self._is_line_wise:
            for number in range(len(self._lines), min(end, len(lines))):
                colours, state = _lex_line(lexer, lines[number] + "\n", self._states[number])
                self._lines.append(colours)
                self._states.append(state)
        elif is_complete and len(self._lines) < len(lines):
            self._colour_all(lexer, lines)

    def _colour_all(self, lexer: Lexer, lines: list[str]) -> None:
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        found: list[list[Coloured]] = [[] for _ in lines]
        number = 0
        for at, kind, value in lexer.get_tokens_unprocessed("\n".join(lines) + "\n"):
            colour = _colour(kind)
            for piece_start, piece in _pieces(at, value):
                while number + 1 < len(lines) and piece_start >= starts[number + 1]:
                    number += 1
                if colour and piece:
                    found[number].append(Coloured(piece_start - starts[number], len(piece), colour))
        self._lines = [tuple(colours) for colours in found]


def _pieces(at: int, value: str) -> list[tuple[int, str]]:
    """A token's parts, one for each line."""
    pieces = []
    for part in value.split("\n"):
        pieces.append((at, part))
        at += len(part) + 1
    return pieces


def _lex_line(lexer: Any, line: str, states: tuple[str, ...]) -> tuple[tuple[Coloured, ...], tuple[str, ...]]:
    """What RegexLexer.get_tokens_unprocessed does with a whole text, for one line and with a given stack."""
    if len(line) > LONGEST_LINE:
        return (), states
    stack, position = list(states), 0
    found: list[Coloured] = []
    if stack[-1] == _IN_COMMENT:
        position = line.find("*/") + 2 if "*/" in line else len(line)
        _note(found, 0, PygmentsToken.Comment, line[:position].rstrip("\n"))
        if "*/" in line:
            stack.pop()
    for _ in range(20 * len(line) + 100):  # an expression that matches nothing could go on for ever
        opens = line.startswith("/*", position) and "*/" not in line[position + 2 :]
        if opens and _has_c_comments(lexer, stack[-1]):
            _note(found, position, PygmentsToken.Comment, line[position:].rstrip("\n"))
            stack.append(_IN_COMMENT)
            break
        if position >= len(line):
            break
        for match_here, action, new_state in lexer._tokens[stack[-1]]:
            match = match_here(line, position)
            if not match:
                continue
            if isinstance(action, _TokenType):
                _note(found, position, action, match.group())
            elif action is not None:
                for at, kind, value in action(lexer, match):
                    _note(found, at, kind, value)
            position = match.end()
            _change_states(stack, new_state)
            break
        else:
            if position >= len(line):
                break
            if line[position] == "\n":
                stack = ["root"]
            position += 1
    return tuple(found), tuple(stack)


@cache
def _has_c_comments(lexer: Any, state: str) -> bool:
    """Whether /* begins a comment in a state: one over several lines is a single match for Pygments."""
    for match_here, action, _ in lexer._tokens[state]:
        match = match_here("/* x */", 0)
        if match:
            return match.end() == len("/* x */") and action in PygmentsToken.Comment
    return False


def _note(found: list[Coloured], at: int, kind: _TokenType, value: str) -> None:
    colour = _colour(kind)
    if colour and value:
        found.append(Coloured(at, len(value), colour))


def _change_states(stack: list[str], new_state: Any) -> None:
    for state in new_state if isinstance(new_state, tuple) else (new_state,):
        if state is None:
            continue
        if isinstance(state, int):  # so many levels down, as a negative number
            del stack[max(len(stack) + state, 1) :]
        elif state == "#pop":
            if len(stack) > 1:
                stack.pop()
        elif state == "#push":
            stack.append(stack[-1])
        else:
            stack.append(state)

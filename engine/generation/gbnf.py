"""Reading grammars: GBNF, llama.cpp's notation, to rules over bytes.

The notation is that of llama.cpp's grammars/README.md, tokens by number (`<[1]>`) left out. Characters become
the bytes of their UTF-8, so that a token may end within one. Repetitions become rules of their own, right
recursive: `x*` is `s ::= x s |`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from string import hexdigits

from engine.contract.errors import InvalidRequest

MAX_REPETITIONS = 2000  # llama.cpp's own limit
MAX_ELEMENTS = 500_000  # of all rules: repetitions of repetitions multiply
MAX_NESTING = 200  # of brackets
LAST_CHARACTER = 0x10FFFF
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}
HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}  # digits
UTF8_ENDS = (0x7F, 0x7FF, 0xFFFF, LAST_CHARACTER)  # the last character of one, two, three and four bytes

ByteSet = frozenset[int]
Element = ByteSet | int  # one byte of these, or a rule by its number
Alternative = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Alternatives of every rule; the answer follows rule `root`."""

    alternatives: list[list[Alternative]]
    root: int


def parse_gbnf(text: str) -> Rules:
    """The rules of a grammar; raises InvalidRequest with what is wrong and in which line."""
    return _Parser(text).parse()


class _Parser:
    """Reads from left to right; `_place` is the next character."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self._numbers: dict[str, int] = {}
        self._rules: list[list[Alternative]] = []  # empty for those that are named but not written yet
        self._num_elements = self._depth = 0

    def parse(self) -> Rules:
        self._skip(newlines=True)
        while self._place < len(self._text):
            number = self._rule_number(self._name())
            self._skip()
            self._expect("::=")
            if self._rules[number]:
                raise self._error("a rule is written twice")
            self._skip(newlines=True)
            self._rules[number] = self._alternatives()
            if self._next() not in ("\n", "\r", ""):
                raise self._error(f"{self._next()!r} is not expected here")
            self._skip(newlines=True)
        missing = [name for name, number in self._numbers.items() if not self._rules[number]]
        if missing:
            raise InvalidRequest(f"the grammar names a rule {missing[0]} and does not have it")
        if "root" not in self._numbers:
            raise InvalidRequest("the grammar has no rule named root")
        self._refuse_left_recursion()
        return Rules(self._rules, self._numbers["root"])

    def _alternatives(self) -> list[Alternative]:
        found = [self._sequence()]
        while self._next() == "|":
            self._place += 1
            self._skip(newlines=True)
            found.append(self._sequence())
        return found

    def _sequence(self) -> Alternative:
        elements: list[Element] = []
        while (item := self._item()) is not None:
            self._skip(newlines=self._depth > 0)
            while self._next() and self._next() in "*+?{":
                item = self._repeated(item)
                self._skip(newlines=self._depth > 0)
            self._count(len(item))
            elements += item
        return tuple(elements)

    def _item(self) -> Alternative | None:
        """What a repetition behind it would repeat; None where the sequence ends."""
        start = self._next()
        if start == '"':
            return self._literal()
        if start == "[":
            return self._character_class()
        if start == ".":
            self._place += 1
            return self._characters([(0, LAST_CHARACTER)])
        if start == "(":
            return self._group()
        if _is_name(start):
            return (self._rule_number(self._name()),)
        return None

    def _group(self) -> Alternative:
        self._place += 1
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(f"it is nested more than {MAX_NESTING} deep")
        self._skip(newlines=True)
        inner = self._alternatives()
        self._expect(")")
        self._depth -= 1
        return inner[0] if len(inner) == 1 else (self._new_rule(inner),)

    def _literal(self) -> Alternative:
        self._place += 1
        data = bytearray()
        while (character := self._next()) != '"':
            if not character:
                raise self._error("a text has no end")
            data += self._encoded(self._character())
        self._place += 1
        return tuple(frozenset((byte,)) for byte in data)

    def _character_class(self) -> Alternative:
        self._place += 1
        is_negated = self._next() == "^"
        self._place += is_negated
        ranges: list[tuple[int, int]] = []
        while (character := self._next()) != "]":
            if not character:
                raise self._error("a [ has no end")
            first = last = self._character()
            if self._next() == "-" and self._text[self._place + 1 : self._place + 2] not in ("]", ""):
                self._place += 1
                last = self._character()
            ranges.append((first, last))
        self._place += 1
        return self._characters(_complement(ranges) if is_negated else ranges)

    def _characters(self, ranges: Iterable[tuple[int, int]]) -> Alternative:
        single: set[int] = set()
        longer: list[Alternative] = []
        for first, last in ranges:
            for sequence in utf8_ranges(first, last):
                if len(sequence) == 1:
                    single |= sequence[0]
                else:
                    longer.append(sequence)
        sequences = [*([(frozenset(single),)] if single else []), *longer]
        return sequences[0] if len(sequences) == 1 else (self._new_rule(list(sequences)),)

    def _repeated(self, item: Alternative) -> Alternative:
        least, most = self._repetitions()
        if most is None:
            number = self._new_rule([])
            self._rules[number] = [(*item, number), ()]
            tail: Alternative = (number,)
        else:
            tail = ()
            for _ in range(most - least):
                tail = (self._new_rule([(*item, *tail), ()]),)
        self._count(len(item) * least)
        return item * least + tail

    def _repetitions(self) -> tuple[int, int | None]:
        """The least and the most times; None is no limit."""
        mark = self._next()
        self._place += 1
        if mark != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        end = self._text.find("}", self._place)
        first, comma, second = self._text[self._place : max(end, self._place)].partition(",")
        words = [first.strip(), second.strip()]
        if end < 0 or not words[0].isdecimal() or not (words[1].isdecimal() or not words[1]):
            raise self._error("a repetition is written {2}, {2,} or {2,5}")
        self._place = end + 1
        least = int(words[0][:9])
        most = least if not comma else int(words[1][:9]) if words[1] else None
        if max(least, most or 0) > MAX_REPETITIONS or (most is not None and most < least):
            raise self._error(f"a repetition goes up to {MAX_REPETITIONS}, and from less to more")
        return least, most

    # characters

    def _character(self) -> int:
        """The next character, or the one that an escape stands for."""
        character = self._next()
        self._place += 1
        if character != "\\":
            return ord(character)
        escaped = self._next()
        self._place += 1
        if escaped in HEX_ESCAPES:
            digits = self._text[self._place : self._place + HEX_ESCAPES[escaped]]
            self._place += len(digits)
            is_hex = len(digits) == HEX_ESCAPES[escaped] and not digits.strip(hexdigits)
            if is_hex and int(digits, 16) <= LAST_CHARACTER:
                return int(digits, 16)
        elif escaped and escaped in ESCAPES:
            return ord(ESCAPES[escaped])
        raise self._error("an escape is not known")

    def _encoded(self, character: int) -> bytes:
        return chr(character).encode("utf-8", "surrogatepass")

    def _next(self) -> str:
        return self._text[self._place : self._place + 1]

    def _skip(self, *, newlines: bool = False) -> None:
        """Pass blanks and comments, and the ends of lines where the rule may go on."""
        while True:
            character = self._next()
            if character == "#":
                end = self._text.find("\n", self._place)
                self._place = len(self._text) if end < 0 else end
            elif character and character in (" \t\r\n" if newlines else " \t"):
                self._place += 1
            else:
                return

    def _name(self) -> str:
        start = self._place
        while _is_name(self._next()):
            self._place += 1
        if self._place == start:
            raise self._error("a name of a rule is missing")
        return self._text[start : self._place]

    def _expect(self, text: str) -> None:
        if not self._text.startswith(text, self._place):
            raise self._error(f"{text} is missing")
        self._place += len(text)

    def _error(self, what: str) -> InvalidRequest:
        line = self._text.count("\n", 0, self._place) + 1
        return InvalidRequest(f"the grammar is not valid GBNF: {what} (line {line})")

    # rules

    def _rule_number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = self._new_rule([])
        return self._numbers[name]

    def _new_rule(self, alternatives: list[Alternative]) -> int:
        self._count(1 + sum(map(len, alternatives)))
        self._rules.append(alternatives)
        return len(self._rules) - 1

    def _count(self, num_elements: int) -> None:
        self._num_elements += num_elements
        if self._num_elements > MAX_ELEMENTS:
            raise InvalidRequest("the grammar is too large")

    def _refuse_left_recursion(self) -> None:
        """A rule that may begin with itself would be entered without end."""
        try:
            TopologicalSorter(dict(enumerate(_first_rules(self._rules)))).prepare()
        except CycleError as error:
            names = [name for name, number in self._numbers.items() if number in error.args[1]]
            which = f"rule {names[0]}" if names else "repetition of what may be empty"
            raise InvalidRequest(f"the grammar's {which} begins with itself") from error


def _is_name(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "-")


def _complement(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found, start = [], 0
    for first, last in sorted(ranges):
        if start < first:
            found.append((start, first - 1))
        start = max(start, last + 1)
    return [*found, (start, LAST_CHARACTER)] if start <= LAST_CHARACTER else found


def _first_rules(rules: list[list[Alternative]]) -> list[set[int]]:
    """For each rule those that it may begin with, empty ones passed over."""
    empty: set[int] = set()
    while True:
        found = {
            number
            for number, alternatives in enumerate(rules)
            if any(all(element in empty for element in one) for one in alternatives)
        }
        if found == empty:
            break
        empty = found
    firsts: list[set[int]] = []
    for alternatives in rules:
        beginning: set[int] = set()
        for one in alternatives:
            for element in one:
                if isinstance(element, int):
                    beginning.add(element)
                if element not in empty:
                    break
        firsts.append(beginning)
    return firsts


def utf8_ranges(first: int, last: int) -> list[tuple[ByteSet, ...]]:
    """Sequences of sets of bytes that together are the UTF-8 of the characters from `first` to `last`."""
    found: list[tuple[ByteSet, ...]] = []
    for end in UTF8_ENDS:
        if first <= min(end, last):
            low, high = (chr(c).encode("utf-8", "surrogatepass") for c in (first, min(end, last)))
            found += _byte_ranges(low, high)
            first = end + 1
    return found


def _byte_ranges(low: bytes, high: bytes) -> list[tuple[ByteSet, ...]]:
    """The same from one sequence to another of the same length, whose later bytes go from 0x80 to 0xBF."""
    if len(low) == 1:
        return [(frozenset(range(low[0], high[0] + 1)),)]
    if low[0] == high[0]:
        return [(frozenset((low[0],)), *rest) for rest in _byte_ranges(low[1:], high[1:])]
    found: list[tuple[ByteSet, ...]] = []
    least, most = b"\x80" * (len(low) - 1), b"\xbf" * (len(low) - 1)
    start, stop = low[0], high[0]
    if low[1:] != least:
        found += [(frozenset((start,)), *rest) for rest in _byte_ranges(low[1:], most)]
        start += 1
    if high[1:] != most:
        found += [(frozenset((stop,)), *rest) for rest in _byte_ranges(least, high[1:])]
        stop -= 1
    if start <= stop:
        found.append((frozenset(range(start, stop + 1)), *[frozenset(range(0x80, 0xC0))] * len(least)))
    return found

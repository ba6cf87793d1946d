"""Grammars: what may come next is what the rules say, byte by byte and token by token."""

import random
import re
import sys

import numpy as np
import pytest

from engine.contract.errors import InvalidRequest
from engine.generation.gbnf import MAX_NESTING, parse_gbnf, utf8_ranges
from engine.generation.grammar import Grammar, GrammarPath
from engine.generation.vocabulary import Vocabulary

END = 300
WORDS = {256: b"ab", 257: b"abc", 258: "é".encode(), 259: "é".encode()[:1], 260: b"ba", 261: "aé!".encode()}
VOCABULARY = Vocabulary(
    lambda token: bytes([token]) if token < 256 else WORDS.get(token, b""), END + 1, frozenset({END})
)


def accepts(grammar: Grammar, text: str) -> bool:
    """Whether a text is whole, told byte by byte."""
    path = GrammarPath(grammar)
    for byte in text.encode():
        if not path.allows(byte):
            return False
        path.accept(byte)
    return path.allows(END)


@pytest.mark.parametrize(
    ("grammar", "expression"),
    [
        ('root ::= "a"', "a"),
        ('root ::= "a" | "bc" | ""', "a|bc|"),
        ('root ::= ("ab" | "c")* "!"', "(ab|c)*!"),
        ('root ::= "ab"+ "c"?', "(ab)+c?"),
        ('root ::= [a-c]{2} [^a-c]{1,3} "é"+', "[a-c]{2}[^a-c]{1,3}é+"),
        ("root ::= . [a-cé] .*", "(.|\n)[a-cé](.|\n)*"),
        ('root ::= x # one\n# two\nx ::=\n  "a" (\n "b" |\n "c"\n)*\n\n', "a[bc]*"),
        ('root ::= [\\]\\x61-] "\\"" [-a]', '[\\]a-]"[-a]'),
        ('root ::= (("a"? "b"){2} "c"){0,2}', "((a?b){2}c){0,2}"),
    ],
)
def test_a_grammar_accepts_what_its_regular_expression_does(grammar: str, expression: str) -> None:
    compiled, rng = Grammar(grammar, VOCABULARY), random.Random(0)
    seen = set()
    for _ in range(1500):
        text = "".join(rng.choice('abcé!"]-') for _ in range(rng.randrange(9)))
        expected = re.fullmatch(expression, text) is not None
        assert accepts(compiled, text) == expected, text
        seen.add(expected)
    assert seen == {True, False} or grammar == 'root ::= "a" | "bc" | ""'


def test_a_grammar_may_recur_to_any_depth_in_its_middle() -> None:
    grammar = Grammar('root ::= "(" root ")" | "x"', VOCABULARY)
    depth = 10 * sys.getrecursionlimit()
    assert accepts(grammar, "(" * depth + "x" + ")" * depth)
    assert not accepts(grammar, "((x)")


def test_a_repetition_without_end_takes_no_more_room_the_longer_it_gets() -> None:
    path = GrammarPath(grammar := Grammar("root ::= ([a-b] [a-b]?)*", VOCABULARY))
    for _ in range(1000):
        path.accept(ord("a"))
    assert len(grammar._states) < 10


def test_the_mask_has_the_tokens_that_are_allowed_one_by_one() -> None:
    grammar = Grammar('root ::= ("ab" | "a" [é-ü]+ "!" | "é")*', VOCABULARY)
    rng = random.Random(1)
    for _ in range(50):
        path = GrammarPath(grammar)
        for _ in range(12):
            allowed = [token for token in range(END + 1) if path.allows(token)]
            assert np.flatnonzero(path.mask()).tolist() == allowed
            path.accept(rng.choice([token for token in allowed if token != END]))


def test_a_path_goes_back_to_where_it_was() -> None:
    path = GrammarPath(Grammar('root ::= "a" ("b" "c" | "c" "b") "!"', VOCABULARY))
    path.accept(ord("a"))
    before = path.mask().copy()
    for guesses in ("bc!", "cb"):
        for guess in guesses.encode():
            path.accept(guess)
        path.roll_back(1)
        assert path.length == 1
        assert (path.mask() == before).all()


def test_what_no_token_can_follow_may_only_end() -> None:
    letters = Vocabulary(lambda token: bytes([97 + token]), 5, frozenset({4}))
    path = GrammarPath(Grammar('root ::= "a" "z"', letters))
    path.accept(0)
    assert np.flatnonzero(path.mask()).tolist() == [4]


@pytest.mark.parametrize(
    ("grammar", "reason"),
    [
        ("", "no rule named root"),
        ('other ::= "x"', "no rule named root"),
        ("root ::= other", "names a rule other"),
        ('root ::= "x', r"a text has no end \(line 1\)"),
        ('root ::= "x"\nx ::= [a', r"a \[ has no end \(line 2\)"),
        ('root ::= ("x"', r"\) is missing"),
        ('root ::= "x")', "'\\)' is not expected"),
        ('root = "x"', "::= is missing"),
        ('root ::= "\\q"', "an escape"),
        ('root ::= "\\x1"', "an escape"),
        ('root ::= "\\UFFFFFFFF"', "an escape"),
        ('root ::= "x"{3,2}', "from less to more"),
        ('root ::= "x"{100000}', "goes up to"),
        ('root ::= "x"{y}', "is written"),
        ('root ::= "x"{2', "is written"),
        ('root ::= "x"\nroot ::= "y"', "written twice"),
        ('root ::= root "x"', "rule root begins with itself"),
        ('root ::= x "y"\nx ::= "a"? root', "begins with itself"),
        ('root ::= ("x"?)* "y"', "may be empty begins with itself"),
        ("root ::= " + "(" * (MAX_NESTING + 1), "nested more than"),
        ('root ::= (("x"{2000}){2000}){2000}', "too large"),
    ],
)
def test_a_grammar_that_cannot_be_used_is_refused_in_words(grammar: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        parse_gbnf(grammar)


@pytest.mark.parametrize("seed", range(4))
def test_ranges_of_characters_are_their_utf8_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    edges = [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF]
    for _ in range(40):
        first, last = sorted(rng.choice([rng.choice(edges), rng.randrange(0x110000)]) for _ in range(2))
        sequences = utf8_ranges(first, last)
        near = {e + d for e in (first, last, *edges) for d in (-1, 0, 1) if 0 <= e + d <= 0x10FFFF}
        for character in near | {rng.randrange(0x110000) for _ in range(20)}:
            data = chr(character).encode("utf-8", "surrogatepass")
            fitting = [sequence for sequence in sequences if len(sequence) == len(data)]
            found = sum(all(byte in s for byte, s in zip(data, one, strict=True)) for one in fitting)
            assert found == (first <= character <= last)

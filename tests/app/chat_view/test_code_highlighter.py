import pytest
from pygments.lexers import get_lexer_by_name

from app.chat_view.code_highlighter import CodeHighlighter, Coloured, _colour, find_lexer

PYTHON = '''import os


class Thing(Base):
    """A docstring
    over two lines."""

    def method(self, x: int = 3) -> str:
        # a comment
        return f"{x!r} {os.sep}" + 'text' * 2
'''
CSS = "a:hover { color: #fff; /* two\nlines */ margin: 0 1px; }\n"
JAVASCRIPT = "const f = async (x) => {\n  return `a ${x} b`; // c\n};\n/* open\nstill */ let y = /re/g;\n"


def colours(language: str, source: str, step: int) -> list[tuple[Coloured, ...]]:
    """The colours of code that arrives so many lines at a time."""
    highlighter = CodeHighlighter(language)
    lines = source.removesuffix("\n").split("\n")
    for end in range(step, len(lines) + step, step):
        highlighter.colour(lines, end, is_complete=end >= len(lines))
    return [highlighter.line(number) for number in range(len(lines))]


@pytest.mark.parametrize(
    ("language", "source"), [("python", PYTHON), ("css", CSS), ("javascript", JAVASCRIPT)]
)
def test_line_by_line_gives_the_colours_of_the_whole(language: str, source: str) -> None:
    lexer = get_lexer_by_name(language, ensurenl=False, stripnl=False)
    whole = [""] * len(source)  # the colour of each character
    for at, kind, value in lexer.get_tokens_unprocessed(source):
        whole[at : at + len(value)] = [_colour(kind)] * len(value)
    found = [""] * len(source)
    starts = [0, *(at + 1 for at, character in enumerate(source) if character == "\n")]
    for start, line in zip(starts, colours(language, source, 1), strict=False):
        for part in line:
            at = start + part.start
            found[at : at + part.length] = [part.token] * part.length
    visible = [at for at, character in enumerate(source) if not character.isspace()]
    assert [found[at] for at in visible] == [whole[at] for at in visible]


def test_lines_can_be_coloured_in_any_portions() -> None:
    assert colours("python", PYTHON, 1) == colours("python", PYTHON, 4) == colours("python", PYTHON, 100)


def test_a_changed_line_is_coloured_again() -> None:
    highlighter = CodeHighlighter("python")
    highlighter.colour(["a = 1", "b = '"], 2, is_complete=False)
    highlighter.forget_from(1)
    highlighter.colour(["a = 1", "b = 'x'"], 2, is_complete=False)
    assert {part.start for part in highlighter.line(1) if part.token == "code_string"} >= {4, 6}


@pytest.mark.parametrize("language", ["", "no-such-language", "../../etc", "x" * 500])
def test_an_unknown_language_has_no_colours(language: str) -> None:
    assert not any(colours(language, PYTHON, 3))


def test_a_lexer_that_needs_the_whole_code_waits_for_it() -> None:
    source = "<?php\n$a = 'b';\n"
    highlighter = CodeHighlighter("php")
    lines = source.split("\n")
    find_lexer("php")  # only then it is known what the lexer needs
    assert not highlighter.can_colour(is_complete=False)
    highlighter.colour(lines, 2, is_complete=False)
    assert highlighter.num_lines == 0
    highlighter.colour(lines, 2, is_complete=True)
    assert any(part.token == "code_string" for part in highlighter.line(1))


def test_languages_have_the_names_that_fences_use() -> None:
    for name in (
        "python",
        "py",
        "js",
        "ts",
        "sh",
        "bash",
        "c++",
        "rust",
        "html",
        "json",
        "yaml",
        "sql",
        "diff",
    ):
        assert find_lexer(name) is not None, name

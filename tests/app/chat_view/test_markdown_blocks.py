import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.chat_view.blocks import Block, Code, LongText, Mathematics, Prose, Table
from app.chat_view.markdown_blocks import LONGEST, MOST_BLOCKS, SLICE, MarkdownBlocks
from app.chat_view.markdown_parser import make_parser
from tests.support.markdown import EVERYTHING, read_streamed, read_whole

LINES = st.sampled_from(
    "word;*em;**;- a;  - b;1. x;> q;```;| a | b |;|---|---|;$$;x = 1;\\[;# h;---;===;;;    code;"
    "[r]: http://x;[r];- [x] t;[^1]: f;  ```;  x = 1;   - ~~~;     y;<div>;</div>;"
    "e\rf;g\r;\r;```\r;````;``` ;    ```;~~~;  ~~~~;\t```;`;"
    "<!-- c;-->;a <b>b</b><br>;<answer>;<script>".split(";")
)


@pytest.fixture(scope="module")
def parser() -> MarkdownIt:
    return make_parser()


@pytest.mark.parametrize("step", [1, 2, 5, 13, 64])
def test_a_streamed_text_has_the_blocks_of_the_whole(parser: MarkdownIt, step: int) -> None:
    assert read_streamed(parser, EVERYTHING, step) == read_whole(parser, EVERYTHING)


@given(st.lists(LINES, max_size=14), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_whatever_is_streamed_ends_as_the_whole(lines: list[str], step: int) -> None:
    parser, source = make_parser(), "\n".join(lines)
    streamed, whole = read_streamed(parser, source, step), read_whole(parser, source)
    assert [(block.content, block.markers) for block in streamed] == [
        (block.content, block.markers) for block in whole
    ]


@given(st.lists(LINES, max_size=14), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_whoever_keeps_the_blocks_that_are_the_same_has_all_of_them(lines: list[str], step: int) -> None:
    blocks, source = MarkdownBlocks(make_parser()), "\n".join(lines)
    kept: list[Block] = []
    for start in range(0, len(source) + step, step):
        blocks.append(source[start : start + step])
        if start + step >= len(source):
            blocks.finish()
        while blocks.is_behind:
            same = blocks.read()
            kept[same:] = blocks.blocks_from(same)
        assert kept == blocks.blocks


@pytest.mark.parametrize("step", [1, 7, 40])
def test_definitions_alone_are_final_but_for_the_last_which_may_get_a_title(
    parser: MarkdownIt, step: int
) -> None:
    lines = [f'[r{number}]: http://x/{number}\n  "title {number}"' for number in range(60)]
    source = "\n".join([*lines, "[r3]: http://twice", "", "See [r0], [r3] and [r59]."])
    assert read_streamed(parser, source, step) == read_whole(parser, source)
    (paragraph,) = read_whole(parser, source)
    assert isinstance(paragraph.content, Prose)
    links = [link.target for link in paragraph.content.inline.links]
    assert links == ["http://x/0", "http://x/3", "http://x/59"]


def read_all(blocks: MarkdownBlocks) -> int:
    """Read on to the end; how many blocks were the same all the time."""
    same = len(blocks.blocks)
    while blocks.is_behind:
        same = min(same, blocks.read())
    return same


def test_only_the_last_block_is_read_again(parser: MarkdownIt) -> None:
    blocks = MarkdownBlocks(parser)
    blocks.append("First paragraph.\n\nSecond one\n\nThird")
    while blocks.is_behind:
        blocks.read()
    first, second = blocks.blocks[:2]
    blocks.append(" and more words")
    assert blocks.read() == 2
    assert blocks.blocks[0] is first
    assert blocks.blocks[1] is second


def test_items_of_a_list_become_final_one_by_one(parser: MarkdownIt) -> None:
    blocks = MarkdownBlocks(parser)
    blocks.append("1. one\n2. two\n3. thr")
    while blocks.is_behind:
        blocks.read()
    assert [block.markers[0].text for block in blocks.blocks] == ["1.", "2.", "3."]
    blocks.append("ee\n4. four")
    assert blocks.read() == 2
    assert [block.markers[0].text for block in blocks.blocks] == ["1.", "2.", "3.", "4."]


def test_a_line_that_could_become_anything_is_held_back(parser: MarkdownIt) -> None:
    blocks = MarkdownBlocks(parser)
    blocks.append("A paragraph\n-")
    while blocks.is_behind:
        blocks.read()
    (paragraph,) = blocks.blocks
    assert isinstance(paragraph.content, Prose)
    assert paragraph.content.level == 0  # not yet the heading that CommonMark would make of it


def test_open_code_grows_line_by_line_and_ends_with_its_fence(parser: MarkdownIt) -> None:
    blocks = MarkdownBlocks(parser)
    for piece in ("```py\na = 1\n", "b = 2\n", "``", "`\n\nafter"):
        blocks.append(piece)
        while blocks.is_behind:
            blocks.read()
    code, after = blocks.blocks
    assert isinstance(code.content, Code)
    assert (code.content.text, code.content.language, code.content.is_closed) == (
        "a = 1\nb = 2\n",
        "py",
        True,
    )
    assert isinstance(after.content, Prose)


@pytest.mark.parametrize("mark", ["```", "~~~~"])
def test_no_step_parses_more_than_a_little_however_much_code_there_is(
    parser: MarkdownIt, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    parse = parser.parse

    def listen(source: str, environment: dict[str, object]) -> list[Token]:
        parsed.append(len(source))
        return parse(source, environment)

    monkeypatch.setattr(parser, "parse", listen)
    blocks = MarkdownBlocks(parser)
    blocks.append(f"{mark}\na\n{mark}\n" * 500 + f"{mark}\n" + "x = 1\n" * 50_000 + f"{mark}\nafter\n")
    blocks.finish()
    read_all(blocks)
    assert [type(block.content) for block in blocks.blocks] == [Code] * 501 + [Prose]
    assert all(code.content.is_closed for code in blocks.blocks[:-1] if isinstance(code.content, Code))
    assert max(parsed) < 2 * SLICE


@pytest.mark.parametrize("before", ["- ", "1. one\n\n   ", "- a\n  - b\n    ", "   "])
def test_open_code_in_a_list_grows_without_being_parsed_again(
    parser: MarkdownIt, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    indent = " " * (len(before) - before.rfind("\n") - 1)
    lines = "".join(f"{indent}line {number}\n" for number in range(30)) + "\n"
    blocks = MarkdownBlocks(parser)
    blocks.append(f"{before}```py\n{indent}first\n")
    read_all(blocks)
    with monkeypatch.context() as patch:
        patch.setattr(blocks, "_parse", None)  # would fail
        for start in range(0, len(lines), 7):
            blocks.append(lines[start : start + 7])
            assert read_all(blocks) >= len(blocks.blocks) - 1
    code = blocks.blocks[-1].content
    assert isinstance(code, Code)
    assert code.text.splitlines() == ["first", *(f"line {number}" for number in range(30)), ""]
    blocks.append(f"{indent}```\n\nafter")
    read_all(blocks)
    assert [type(block.content) for block in blocks.blocks[-2:]] == [Code, Prose]


def test_a_table_grows_row_by_row(parser: MarkdownIt) -> None:
    source = "| a | b |\n|--:|---|\n" + "".join(f"| {row} | *{row}* |\n" for row in range(40))
    (table,) = read_streamed(parser, source, 7)
    assert isinstance(table.content, Table)
    assert len(table.content.rows) == 41
    assert [cell.text for cell in table.content.rows[40]] == ["39", "39"]
    assert table.content.alignments == ("right", "")


@pytest.mark.parametrize("source", ["$$\nx + 1\n$$", "\\[\nx + 1\n\\]", "\\[ x + 1 \\]", "$$x + 1$$"])
def test_every_way_to_write_a_formula_on_its_own(parser: MarkdownIt, source: str) -> None:
    (formula,) = read_streamed(parser, source, 1)
    assert formula.content == Mathematics("x + 1", 0)


def test_prices_are_no_formulas(parser: MarkdownIt) -> None:
    (paragraph,) = read_whole(parser, "It costs $5 and then $10 more.")
    assert isinstance(paragraph.content, Prose)
    assert not paragraph.content.inline.formulas


def test_tasks_say_whether_they_are_done(parser: MarkdownIt) -> None:
    blocks = read_whole(parser, "- [x] one\n- [ ] two\n- three\n- [x]")
    assert [block.markers[0].text for block in blocks] == ["☑", "☐", "•", "•"]


def test_a_link_may_be_defined_after_it_is_used(parser: MarkdownIt) -> None:
    blocks = read_streamed(parser, "See [it].\n\nMore.\n\n[it]: https://example.org\n", 3)
    assert isinstance(blocks[0].content, Prose)
    assert [link.target for link in blocks[0].content.inline.links] == ["https://example.org"]


def texts_of(parser: MarkdownIt, source: str) -> list[str]:
    return [
        block.content.inline.text if isinstance(block.content, Prose) else type(block.content).__name__
        for block in read_whole(parser, source)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "a <script>alert(1)</script>",
        "<script>alert('<b>1</b>')</script>",
        "<a href=javascript:alert(1)>x</a>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=x><b",
        "<iframe src=//host></iframe>",
        "<!-- never closed",
        "a </b> b",
        "a <b> b",
        "*a <b>b*",
        "<u>a <table></i>",
        "<answer>",
        "<?php x ?>",
    ],
)
def test_all_other_html_is_text(parser: MarkdownIt, source: str) -> None:
    assert "".join(texts_of(parser, source)) == source.replace("*", "")


def test_blocks_of_html_become_paragraphs(parser: MarkdownIt) -> None:
    source = "<details open onclick=x>\n<summary>More &amp; <i>more</i></summary>\n\n- item\n\n</details>"
    assert texts_of(parser, source) == ["More & more", "item"]
    assert texts_of(parser, "<div align=center>\n  <p>one\ntwo</p>three\n<hr></div>") == [
        "one\u2028two",
        "three",
        "Rule",
    ]
    assert texts_of(parser, "one\n\n<!-- a\n\ncomment -->\n\ntwo") == ["one", "two"]


def test_an_unknown_tag_on_a_line_leaves_markdown_alone(parser: MarkdownIt) -> None:
    (paragraph,) = read_whole(parser, "<answer>\n**so**\n</answer>")
    assert isinstance(paragraph.content, Prose)
    assert paragraph.content.inline.text == "<answer>\u2028so\u2028</answer>"


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", ">"])
def test_what_is_nested_too_deep_is_shown_as_it_is(parser: MarkdownIt, mark: str) -> None:
    blocks = read_whole(parser, mark * 1000 + "deep")
    text = "".join(block.content.text for block in blocks if isinstance(block.content, LongText))
    assert text == mark * 1000 + "deep"


def test_what_is_too_long_is_shown_as_it_is_and_the_rest_as_ever(parser: MarkdownIt) -> None:
    blocks = read_whole(parser, "x" * (3 * LONGEST) + "\n\n# After")
    assert isinstance(blocks[0].content, LongText)
    assert isinstance(blocks[-1].content, Prose)
    assert blocks[-1].content.level == 1


def test_a_message_of_very_many_blocks_ends_in_long_text(parser: MarkdownIt) -> None:
    source = "a\n\n" * (MOST_BLOCKS + 2000)
    blocks = read_whole(parser, source)
    assert len(blocks) < MOST_BLOCKS + 500
    assert isinstance(blocks[-1].content, LongText)
    assert blocks[-1].end == len(source)


def test_every_character_of_a_source_belongs_to_a_block(parser: MarkdownIt) -> None:
    places = [(block.start, block.end) for block in read_whole(parser, EVERYTHING)]
    assert places == sorted(places)
    covered = "".join(EVERYTHING[start:end] for start, end in dict.fromkeys(places))
    assert len(covered.split()) >= 0.95 * len(EVERYTHING.split())  # link targets show nothing

import pytest
from markdown_it import MarkdownIt

from app.chat_view.blocks import Prose
from app.chat_view.inline_text import InlineText, Style, image_note, plain_text
from app.chat_view.markdown_parser import make_parser
from tests.support.markdown import read_whole


@pytest.fixture(scope="module")
def parser() -> MarkdownIt:
    return make_parser()


def inline_of(parser: MarkdownIt, source: str) -> InlineText:
    content = read_whole(parser, source)[0].content
    assert isinstance(content, Prose)
    return content.inline


def styles(inline: InlineText) -> dict[str, Style]:
    return {inline.text[span.start : span.end]: span.style for span in inline.spans}


def test_styles_combine(parser: MarkdownIt) -> None:
    inline = inline_of(parser, "a **b *c* `d`** ~~e~~")
    assert inline.text == "a b c d e"
    assert styles(inline) == {
        "b ": Style.BOLD,
        "c": Style.BOLD | Style.ITALIC,
        " ": Style.BOLD,
        "d": Style.BOLD | Style.CODE,
        "e": Style.STRUCK,
    }


def test_some_tags_are_formats(parser: MarkdownIt) -> None:
    source = "x<SUB>2</SUB><sup a=1>3</sup> <kbd>K</kbd> <b>b *c*</b> <i><u>d</u></i> <s>e</s> <mark>f</mark>"
    inline = inline_of(parser, source)
    assert inline.text == "x23 K b c d e f"
    assert styles(inline) == {
        "2": Style.SUBSCRIPT,
        "3": Style.SUPERSCRIPT,
        "K": Style.CODE,
        "b ": Style.BOLD,
        "c": Style.BOLD | Style.ITALIC,
        "d": Style.ITALIC | Style.UNDERLINED,
        "e": Style.STRUCK,
        "f": Style.MARKED,
    }


@pytest.mark.parametrize("source", ["a<br>b", "a<br/>\nb", "a<BR />b", "a<br class='x'>b"])
def test_a_break_is_one_break(parser: MarkdownIt, source: str) -> None:
    assert inline_of(parser, source).text == "a\u2028b"


def test_tags_that_cross_are_text(parser: MarkdownIt) -> None:
    inline = inline_of(parser, "<b>a <i>b</b> c</i>")
    assert inline.text == "a <i>b c</i>"
    assert styles(inline) == {"a ": Style.BOLD, "<i>": Style.BOLD, "b": Style.BOLD}


@pytest.mark.parametrize(
    ("source", "words", "written"),
    [
        ("plain words here", "words", "words"),
        ("some **bold** text", "bold", "**bold**"),
        ("some **bold** text", "bol", "**bol"),
        ("some `code` text", "code", "`code`"),
        ("see [the page](https://x.org 't') now", "the page", "[the page](https://x.org 't')"),
        ("see <https://x.org> now", "https://x.org", "<https://x.org>"),
        ("see https://x.org now", "https://x.org", "https://x.org"),
        (r"a \* b &amp; c", "* b &", r"\* b &amp;"),
        ("## head *line*", "line", "*line*"),
        ("> quoted\n> text", "quoted\u2028text", "quoted\n> text"),
        ("is $x^2$ square", "x^2", "$x^2$"),
        ("- item *one*", "one", "*one*"),
        ("H<sub>2</sub>O", "2", "<sub>2</sub>"),
        ("a <b>bold</b> b", "old", "old</b>"),
        ("one<br>two", "one\u2028two", "one<br>two"),
        ("<div>\n<b>bold</b> &lt; it\n</div>", "bold <", "<b>bold</b> &lt;"),
        ("an ![alt](https://x.org/i.png)!", "alt · image not loaded: x.org", "![alt](https://x.org/i.png)"),
    ],
)
def test_a_selection_is_copied_as_it_was_written(
    parser: MarkdownIt, source: str, words: str, written: str
) -> None:
    inline = inline_of(parser, source)
    start = inline.text.index(words)
    first, last = inline.place(start, is_end=False), inline.place(start + len(words), is_end=True)
    assert source[first:last] == written


def test_places_of_the_source_are_found_in_the_text(parser: MarkdownIt) -> None:
    source = "one **two** three"
    inline = inline_of(parser, source)
    start = source.index("two")
    assert inline.positions(start, start + 3) == (4, 7)
    assert inline.positions(500, 510) == (0, 0)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "javascript:alert(1)", "//host/share", "#part", "x.md"]
)
def test_only_addresses_that_can_be_opened_look_like_links(parser: MarkdownIt, target: str) -> None:
    assert not any(style & Style.LINK for style in styles(inline_of(parser, f"[text]({target})")).values())
    assert inline_of(parser, "[text](https://x.org)").spans[0].style == Style.LINK


def test_controls_of_the_direction_are_shown_in_code_and_links(parser: MarkdownIt) -> None:
    assert "\u202e" not in inline_of(parser, "`a\u202eb`").text
    assert "\u202e" not in inline_of(parser, "[a\u202eb](https://x.org)").text


def test_the_note_for_an_image_says_where_it_would_have_come_from() -> None:
    assert image_note("https://evil.example/x.png?secret=1", "cat") == "cat · image not loaded: evil.example"
    assert image_note("//host/share/x.png", "") == "image not loaded: host"


def test_plain_text_is_no_markup() -> None:
    inline = plain_text("**a**\nb", 10)
    assert (inline.text, inline.spans) == ("**a**\u2028b", ())
    assert (inline.place(0, is_end=False), inline.place(7, is_end=True)) == (10, 17)

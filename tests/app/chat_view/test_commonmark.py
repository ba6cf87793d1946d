"""How much of CommonMark is shown as its reference says, by the examples of the specification."""

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from app.chat_view.markdown_parser import make_parser
from tests.support.markdown import read_whole
from tests.support.markdown_form import form_of_blocks, form_of_html

# example number: why it is shown differently, on purpose
DIFFERENT = {
    203: "a bare tag is text, so the definition is not followed by one",
    493: "the address in angle brackets is text, not a tag",
    496: "the address in angle brackets is text, not a tag",
    581: "a picture is on a line of its own",
    589: "a picture is on a line of its own",
    610: "bare addresses are links, as on GitHub",
    613: "bare addresses are links, as on GitHub",
    614: "bare addresses are links, as on GitHub",
}


@pytest.fixture(scope="module")
def parser() -> MarkdownIt:
    return make_parser()


def has_html(source: str) -> bool:
    """Whether an example is about raw HTML, which is shown as text here."""
    tokens = MarkdownIt("commonmark").parse(source)
    inline = [child for token in tokens for child in token.children or []]
    return any(token.type in ("html_block", "html_inline") for token in [*tokens, *inline])


def test_the_examples_of_the_specification(shared_data: Path, parser: MarkdownIt) -> None:
    suite = shared_data / "suites" / "commonmark-spec.json"
    if not suite.exists():
        pytest.skip("needs the examples of the CommonMark specification")
    examples = json.loads(suite.read_text(encoding="utf-8"))
    wrong = [
        example["example"]
        for example in examples
        if not has_html(example["markdown"])
        and example["example"] not in DIFFERENT
        and form_of_blocks(read_whole(parser, example["markdown"])) != form_of_html(example["html"])
    ]
    assert wrong == []
    num_html = sum(has_html(example["markdown"]) for example in examples)
    assert num_html + len(DIFFERENT) < 0.13 * len(examples)


def test_the_normal_form_tells_different_texts_apart(parser: MarkdownIt) -> None:
    right = "<ul>\n<li>one <em>two</em></li>\n</ul>"
    assert form_of_blocks(read_whole(parser, "- one *two*")) == form_of_html(right)
    for other in (
        "- one two",
        "1. one *two*",
        "one *two*",
        "- one **two**",
        "- one *two*\n- ",
        "> - one *two*",
    ):
        assert form_of_blocks(read_whole(parser, other)) != form_of_html(right)

"""How much of CommonMark is shown as its reference says, by the examples of the specification."""

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from app.chat_view.markdown_parser import make_parser
from tests.support.markdown import read_whole
from tests.support.markdown_form import form_of_blocks, form_of_html

# why examples are shown differently, and which
DIFFERENT = {
    "a tag that is not among the few that are read is text": (
        *(21, 31, 148, 149, 150, 159, 160, 163, 164, 189, 192, 193, 203, 346, 477, 478, 479),
        *(493, 526, 538, 615, 616, 617, 618, 619, 625, 632, 633, 645, 646),
    ),
    "scripts, styles, fields and preformatted HTML are text": (171, 172, 173, 174, 175, 178, 180),
    "instructions, declarations and CDATA are text": (182, 183, 184, 629, 630, 631),
    "a tag that is not closed in the same paragraph is text": (166, 168, 496),
    "the normal form keeps a space before the closing tag": (165, 167),
    "the reference's HTML is read differently by Python's HTML parser": (628,),
    "a picture is on a line of its own": (581, 589),
    "bare addresses are links, as on GitHub": (610, 613, 614),
}


@pytest.fixture(scope="module")
def parser() -> MarkdownIt:
    return make_parser()


def test_the_examples_of_the_specification(shared_data: Path, parser: MarkdownIt) -> None:
    suite = shared_data / "suites" / "commonmark-spec.json"
    if not suite.exists():
        pytest.skip("needs the examples of the CommonMark specification")
    examples = json.loads(suite.read_text(encoding="utf-8"))
    wrong = {
        example["example"]
        for example in examples
        if form_of_blocks(read_whole(parser, example["markdown"])) != form_of_html(example["html"])
    }
    assert wrong == {number for numbers in DIFFERENT.values() for number in numbers}
    assert len(wrong) <= 0.09 * len(examples)


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
        "- one <em>two</em> <b></b>three",
        "- one <mark>two</mark>",
        "- one <x>*two*</x>",
    ):
        assert form_of_blocks(read_whole(parser, other)) != form_of_html(right)

"""The parser of answers: what it does not look through reads the same as if it had."""

import random
import re
import string

import pytest

from app.chat_view import markdown_parser
from app.chat_view.markdown_parser import make_parser


def test_plain_words_are_read_without_a_look_at_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(20261123)
    letters = string.ascii_letters + string.digits + "   "
    texts = ["".join(rng.choices(letters, k=rng.randrange(1, 30))) for _ in range(300)]
    quick = [make_parser().parse(f"| {text} |\n|---|\n| x {text} |\n\n{text}\n") for text in texts]
    monkeypatch.setattr(markdown_parser, "_WORDS", re.compile("(?!)"))
    assert quick == [make_parser().parse(f"| {text} |\n|---|\n| x {text} |\n\n{text}\n") for text in texts]


@pytest.mark.parametrize(("columns", "is_table"), [(2, True), (64, True), (65, False), (3000, False)])
def test_a_table_of_too_many_columns_is_no_table(columns: int, is_table: bool) -> None:
    for source in (
        "|a" * columns + "|\n" + "|-" * columns + "|\n" + "|b" * columns + "|\n",
        "a" + "|a" * (columns - 1) + "\n:-" + "|:-" * (columns - 1) + "\n",
    ):
        tokens = make_parser().parse(source)
        assert (tokens[0].type == "table_open") == is_table


def test_links_lead_where_the_first_definitions_say_and_the_rest_is_shown() -> None:
    num_known = markdown_parser.MOST_REFERENCES
    lines = "\n".join(f"[r{number}]: http://x/{number}" for number in range(num_known + 2))
    tokens = make_parser().parse(f"[r0] [r{num_known - 1}] [r{num_known}]\n\n{lines}\n")
    assert tokens[1].children is not None
    links = [token.attrs["href"] for token in tokens[1].children if token.type == "link_open"]
    assert links == ["http://x/0", f"http://x/{num_known - 1}"]
    assert tokens[-2].content.splitlines() == lines.splitlines()[num_known:]

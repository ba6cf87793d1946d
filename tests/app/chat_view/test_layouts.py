"""Blocks laid out: what a change costs, where characters are, what does not fit."""

import pytest
from markdown_it import MarkdownIt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from app.chat_view.block_column import BlockColumn
from app.chat_view.blocks import Code, LongText, Mathematics, Prose, Table
from app.chat_view.code_layout import CodeLayout
from app.chat_view.inline_layout import InlineLayout
from app.chat_view.long_text_layout import LongTextLayout
from app.chat_view.look import NO_MARKS, Look
from app.chat_view.markdown_parser import make_parser
from app.chat_view.table_layout import TableLayout
from tests.support.markdown import EVERYTHING, read_whole

WIDTH = 600.0


@pytest.fixture(scope="module")
def parser() -> MarkdownIt:
    return make_parser()


def inline_layout(look: Look, parser: MarkdownIt, source: str, width: float = WIDTH) -> InlineLayout:
    layout = InlineLayout(look, look.theme.fonts.body)
    content = read_whole(parser, source)[0].content
    assert isinstance(content, Prose)
    layout.lay_out(content.inline, width)
    return layout


def test_every_position_is_found_where_it_is_drawn(look: Look, parser: MarkdownIt) -> None:
    layout = inline_layout(look, parser, "one **two** `three` 🎉 日本語 and $x$ then more words " * 12)
    for position in range(0, len(layout.inline.text), 7):
        caret = layout.caret(position)
        found = layout.position_at(caret.x() + 0.5, caret.center().y())
        inside_formula = any(f.start < position < f.end for f in layout.inline.formulas)
        assert abs(found - position) <= (2 if inside_formula else 1)


def test_text_that_grows_keeps_the_pieces_it_had(look: Look, parser: MarkdownIt) -> None:
    words = "some words that go on and on and on. "
    layout = inline_layout(look, parser, words * 200)
    before = list(layout._pieces)
    content = read_whole(parser, words * 210)[0].content
    assert isinstance(content, Prose)
    layout.lay_out(content.inline, WIDTH)
    assert len(before) >= 3
    assert all(kept is piece for kept, piece in zip(layout._pieces, before[:-1], strict=False))
    fresh = inline_layout(look, parser, words * 210)
    assert layout.height == fresh.height


def test_a_formula_takes_its_place_in_the_line(look: Look, parser: MarkdownIt) -> None:
    without = inline_layout(look, parser, "a b")
    layout = inline_layout(look, parser, "a $x$ b")
    assert layout.natural_width > without.natural_width + 38
    assert layout.height > without.height  # the drawing is higher than a line
    assert layout.caret(3).x() - layout.caret(2).x() == pytest.approx(42, abs=3)


def test_a_formula_that_cannot_be_set_shows_its_source(look: Look, parser: MarkdownIt) -> None:
    layout = inline_layout(look, parser, "a $\\broken$ b")
    assert layout.inline.text == "a \\broken b"
    assert layout.caret(10).x() - layout.caret(2).x() > 40


def test_a_right_to_left_paragraph_begins_at_the_right(look: Look, parser: MarkdownIt) -> None:
    layout = inline_layout(look, parser, "مرحبا بالعالم")
    assert layout.caret(0).x() > WIDTH - 5


def test_code_is_as_high_as_its_lines_and_lays_out_only_what_is_seen(look: Look) -> None:
    layout = CodeLayout(look, "python")
    layout.lay_out(Code("x = 1\n" * 5000, "python"), WIDTH)
    line_height = look.line_height(look.theme.fonts.code)
    assert layout.height == pytest.approx(5000 * line_height, rel=0.01)
    paint(layout, (0.0, 400.0))
    assert len(layout._made) < 30


def test_appended_code_changes_only_its_last_lines(look: Look) -> None:
    layout = CodeLayout(look, "python")
    layout.lay_out(Code("a = 1\nb = ", "python", is_closed=False), WIDTH)
    paint(layout, (0.0, 400.0))
    first_line = layout._made[0]
    layout.lay_out(Code("a = 1\nb = 2\nc", "python", is_closed=False), WIDTH)
    assert layout.changed_from > look.line_height(look.theme.fonts.code)
    paint(layout, (0.0, 400.0))
    assert layout._made[0] is first_line
    assert layout.text == "a = 1\nb = 2\nc"


def test_a_word_of_code_is_an_identifier(look: Look) -> None:
    layout = CodeLayout(look, "")
    layout.lay_out(Code("self._name = other\n"), WIDTH)
    assert layout.word_at(7) == (5, 10)


def table(parser: MarkdownIt, source: str) -> Table:
    content = read_whole(parser, source)[0].content
    assert isinstance(content, Table)
    return content


def test_a_table_fills_the_width_and_wraps_what_is_long(look: Look, parser: MarkdownIt) -> None:
    layout = TableLayout(look, look.theme.tokens.text)
    layout.lay_out(table(parser, "|a|b|\n|-|-|\n|1|2|\n"), WIDTH)
    low = layout.height
    assert sum(layout._widths) == pytest.approx(WIDTH)
    layout.lay_out(table(parser, f"|a|b|\n|-|-|\n|1|{'long ' * 60}|\n"), WIDTH)
    assert sum(layout._widths) == pytest.approx(WIDTH)
    assert layout.height > low + 50
    assert not layout.scroll_sideways(10)


def test_a_table_of_many_columns_moves_sideways(look: Look, parser: MarkdownIt) -> None:
    layout = TableLayout(look, look.theme.tokens.text)
    columns = 30
    source = "|" + "head|" * columns + "\n|" + "-|" * columns + "\n|" + "some words|" * columns + "\n"
    layout.lay_out(table(parser, source), WIDTH)
    assert sum(layout._widths) > WIDTH
    assert layout.scroll_sideways(50)


def test_a_row_that_is_appended_leaves_the_others_as_they_are(look: Look, parser: MarkdownIt) -> None:
    layout = TableLayout(look, look.theme.tokens.text)
    head = "|a|b|\n|-|-:|\n"
    layout.lay_out(table(parser, head + "|1|2|\n|3|4|\n"), WIDTH)
    cells = [cell for row in layout._cells for cell in row]
    layout.lay_out(table(parser, head + "|1|2|\n|3|4|\n|5|6|\n"), WIDTH)
    assert [cell for row in layout._cells for cell in row][:6] == cells
    fresh = TableLayout(look, look.theme.tokens.text)
    fresh.lay_out(table(parser, head + "|1|2|\n|3|4|\n|5|6|\n"), WIDTH)
    assert fresh.height == layout.height


def test_positions_in_a_table_go_from_cell_to_cell(look: Look, parser: MarkdownIt) -> None:
    layout = TableLayout(look, look.theme.tokens.text)
    layout.lay_out(table(parser, "|head|b|\n|-|-|\n|one two|x|\n"), WIDTH)
    assert layout.text == "head\tb\none two\tx"
    for position in (0, 4, 5, 7, 10, 14, 16):
        caret = layout.caret(position)
        assert layout.position_at(caret.x() + 0.5, caret.center().y()) == position
    assert layout.word_at(12) == (11, 14)


def test_long_text_breaks_where_arithmetic_says(look: Look) -> None:
    layout = LongTextLayout(look, look.theme.tokens.text)
    layout.lay_out(LongText("x" * 5_000_000), WIDTH)
    rows = layout.height / look.line_height(look.theme.fonts.code)
    assert rows == pytest.approx(5_000_000 / (WIDTH // 7.8), rel=0.02)
    caret = layout.caret(4_321_000)
    assert layout.position_at(caret.x() + 1, caret.center().y()) == 4_321_000
    paint(layout, (1000.0, 1400.0))
    assert len(layout._made) < 40


def test_blocks_stand_below_one_another(look: Look, parser: MarkdownIt) -> None:
    column = BlockColumn(look, colour=look.theme.tokens.text)
    blocks = read_whole(parser, EVERYTHING)
    column.update(blocks, 0, WIDTH)
    tops = [column.corner(number).y() for number in range(len(column))]
    for number in range(len(column) - 1):
        assert tops[number + 1] >= tops[number] + column.layout(number).height
    lefts = {
        block.containers: column.corner(number).x() for number, block in enumerate(blocks) if block.containers
    }
    assert all(left > 0 for left in lefts.values())
    for containers, left in lefts.items():
        outer = [other for found, other in lefts.items() if containers[: len(found)] == found != containers]
        assert all(left > other for other in outer)


def test_a_change_reaches_down_only(look: Look, parser: MarkdownIt) -> None:
    column = BlockColumn(look, colour=look.theme.tokens.text)
    first = read_whole(parser, "one\n\ntwo\n\nthree")
    column.update(first, 0, WIDTH)
    kept = column.layout(0)
    second = read_whole(parser, "one\n\ntwo\n\nthree and more")
    changed_from = column.update(second[2:], 2, WIDTH)
    assert column.layout(0) is kept
    assert changed_from == column.corner(2).y()


def test_a_selection_and_what_is_searched_for_can_be_seen(look: Look, parser: MarkdownIt) -> None:
    from app.chat_view.look import Marks  # noqa: PLC0415

    column = BlockColumn(look, colour=look.theme.tokens.text)
    column.update(read_whole(parser, "one two three"), 0, WIDTH)
    marks = Marks(selection=(0, 3), matches=((4, 7),), current_match=(8, 13))
    image = QImage(600, 60, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    painter = QPainter(image)
    column.draw(painter, QPointF(0, 0), (0.0, 60.0), lambda _number: marks)
    painter.end()
    colours = {image.pixelColor(x, y).name() for x in range(600) for y in range(60)}
    tokens = look.theme.tokens
    assert {tokens.text_selection, tokens.match, tokens.current_match} <= colours


def test_a_formula_on_its_own_is_in_the_middle(look: Look, parser: MarkdownIt) -> None:
    column = BlockColumn(look, colour=look.theme.tokens.text)
    blocks = read_whole(parser, "$$\nx\n$$")
    assert isinstance(blocks[0].content, Mathematics)
    column.update(blocks, 0, WIDTH)
    image = QImage(600, 60, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    painter = QPainter(image)
    column.draw(painter, QPointF(0, 0), (0.0, 60.0), lambda _number: NO_MARKS)
    painter.end()
    red = [x for x in range(600) if image.pixelColor(x, 20).name() == "#ff0000"]
    assert (min(red), max(red)) == (280, 319)


def paint(layout: CodeLayout | LongTextLayout, clip: tuple[float, float]) -> None:
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    layout.draw(painter, QPointF(0, 0), clip, NO_MARKS)
    painter.end()

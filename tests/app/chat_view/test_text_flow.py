import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from app.chat_view.text_flow import Selection, TextFlow
from app.theme.theme import Theme

WORDS = "The retort stands on the bench and waits for the flame. "


@pytest.fixture
def font(theme: Theme) -> QFont:
    return theme.fonts.body


def flow(font: QFont, text: str = "", width: float = 400) -> TextFlow:
    made = TextFlow(font, 1.35)
    made.set_width(width)
    made.set_text(text)
    return made


def test_every_newline_starts_a_line(font: QFont) -> None:
    one, three = flow(font, "a"), flow(font, "a\nb\nc")
    assert three.height == 3 * one.height


def test_an_empty_line_is_lower_than_a_full_one(font: QFont) -> None:
    one, gap = flow(font, "a"), flow(font, "a\n\nb")
    assert 2 * one.height < gap.height < 3 * one.height


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["word ", "\n", "\n\n", "日本語", "🎉👩‍💻", "مرحبا ", "longer words here "]),
        max_size=60,
    )
)
def test_text_that_arrives_in_pieces_is_laid_out_as_if_it_came_at_once(
    font: QFont, pieces: list[str]
) -> None:
    growing = flow(font)
    text = ""
    for piece in pieces:
        text += piece
        growing.set_text(text)
    whole = flow(font, text)
    assert growing.height == whole.height
    assert growing.length == whole.length
    assert growing.natural_width == whole.natural_width


def test_a_very_long_paragraph_in_pieces_is_as_high_as_at_once(font: QFont) -> None:
    growing, text = flow(font), ""
    while len(text) < 12_000:
        text += WORDS
        growing.set_text(text)
    assert growing.height == flow(font, text).height


@pytest.mark.slow
def test_the_end_of_a_long_paragraph_costs_no_more_than_its_beginning(font: QFont) -> None:
    growing, text = flow(font), ""
    costs: list[float] = []
    for _ in range(4000):
        text += "token "
        started = time.thread_time()
        growing.set_text(text)
        costs.append(time.thread_time() - started)
    early, late = sorted(costs[400:1000])[300], sorted(costs[-600:])[300]
    assert late < 2 * early + 0.001, f"{1000 * early:.2f} ms early, {1000 * late:.2f} ms late"


def test_a_position_is_found_where_it_is_drawn(font: QFont) -> None:
    text = "first line\nsecond 🎉 line"
    made = flow(font, text)
    assert made.position_at(0, 1) == 0
    assert made.position_at(10_000, 1) == len("first line")
    second_line = made.height - 1
    assert made.position_at(0, second_line) == len("first line\n")
    assert made.position_at(10_000, second_line) == len(text) + 1  # the emoji is two UTF-16 units


def test_a_selection_gives_back_the_very_characters(font: QFont) -> None:
    made = flow(font, "a🎉b\nc日d")
    assert made.selected_text(Selection(1, 3)) == "🎉"
    assert made.selected_text(Selection(3, 6)) == "b\nc"
    assert made.selected_text(Selection(0, made.length)) == "a🎉b\nc日d"


def test_a_selection_across_the_pieces_of_a_long_paragraph_has_no_seam(font: QFont) -> None:
    text = WORDS * 200
    made = flow(font, text)
    assert made.selected_text(Selection(0, made.length)) == text


def test_the_word_under_the_pointer_has_no_space_around_it(font: QFont) -> None:
    made = flow(font, "one two  three")
    for position, word in ((0, "one"), (5, "two"), (12, "three")):
        assert made.selected_text(made.word_at(position)) == word


def test_marked_text_has_the_selection_s_colour_behind_it(font: QFont) -> None:
    made = flow(font, "mmmmmm")
    image = QImage(400, 60, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    made.draw(painter, QPointF(0, 0), (0, 60), Selection(0, 6), QColor("#ff0000"))
    painter.end()
    assert image.pixelColor(2, 4) == QColor("#ff0000")


def test_an_empty_text_can_be_asked_everything(font: QFont) -> None:
    made = flow(font)
    assert (made.length, made.position_at(5, 5), made.selected_text(Selection(0, 0))) == (0, 0, "")
    assert made.word_at(0) == Selection(0, 0)

import logging
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.chat_view.chat_view import COLUMN_WIDTH, ChatView
from app.chat_view.copied_text import plain_text_of
from app.chat_view.message_menu import make_menu
from app.chat_view.text_points import BEGINNING, END
from app.conversations.conversation import AnswerStats, Conversation, Message
from app.lists.message_list import MessageList
from app.theme.theme import Theme

NO_KEYS = Qt.KeyboardModifier.NoModifier
STORY = "Once upon a time there was a retort that stood on a bench and waited for the flame. "


def conversation_of(turns: int, words: str = STORY) -> Conversation:
    conversation = Conversation.new()
    for turn in range(turns):
        conversation.append(role="user", text=f"Question {turn}")
        conversation.append(role="assistant", text=f"Answer {turn}. " + words * 8, model="Built-in model")
    return conversation


def stream(messages: MessageList, answer: Message, pieces: int) -> None:
    for _ in range(pieces):
        messages.append_text(answer.id, STORY)


def wheel(view: ChatView, pixels: int) -> None:
    centre = QPointF(view.viewport().rect().center())
    QApplication.sendEvent(
        view.viewport(),
        QWheelEvent(
            centre,
            view.viewport().mapToGlobal(centre),
            QPoint(0, pixels),
            QPoint(0, pixels),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def jump_button(view: ChatView) -> QToolButton:
    button = view.findChild(QToolButton, "jumpToEnd")
    assert isinstance(button, QToolButton)
    return button


def row_at(view: ChatView, y: int) -> int:
    found = view.place_in_message(QPointF(10, y))
    assert found is not None
    return found[0]


def text_of(view: ChatView, row: int) -> str:
    """A message as it is read."""
    return plain_text_of(view.column.read_all(row), BEGINNING, END)


def colours_in(view: ChatView) -> set[str]:
    image = view.viewport().grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)
    }


def test_opening_a_conversation_shows_its_end(view: ChatView, messages: MessageList) -> None:
    messages.show_path(conversation_of(30).path())
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    assert view.sticks_to_end


def test_only_messages_in_sight_are_laid_out(view: ChatView, messages: MessageList) -> None:
    messages.show_path(conversation_of(500).path())
    assert 0 < view.column.num_layouts < 12
    for _ in range(200):
        wheel(view, 300)
    assert view.column.num_layouts <= 80


def test_the_view_follows_text_that_streams_in(view: ChatView, messages: MessageList, qtbot: QtBot) -> None:
    conversation = conversation_of(2)
    answer = conversation.append(role="assistant", text="", state="streaming", model="Built-in model")
    messages.show_path(conversation.path())
    before = view.verticalScrollBar().maximum()
    stream(messages, answer, 60)
    qtbot.waitUntil(lambda: view.verticalScrollBar().maximum() > before, timeout=20_000)
    qtbot.waitUntil(
        lambda: view.verticalScrollBar().value() == view.verticalScrollBar().maximum(), timeout=5000
    )


def test_scrolling_up_lets_go_of_the_end_and_what_is_read_stays_in_place(
    view: ChatView, messages: MessageList, qtbot: QtBot
) -> None:
    conversation = conversation_of(10)
    answer = conversation.append(role="assistant", text="", state="streaming", model="Built-in model")
    messages.show_path(conversation.path())
    wheel(view, 500)
    assert not view.sticks_to_end
    row = row_at(view, 1)
    read_at = view.place_of(row)
    before = view.viewport().grab().toImage()
    maximum = view.verticalScrollBar().maximum()
    stream(messages, answer, 60)
    qtbot.waitUntil(lambda: view.verticalScrollBar().maximum() > maximum, timeout=20_000)
    assert view.place_of(row) == read_at
    after = view.viewport().grab().toImage()
    rect = before.rect().adjusted(0, 0, -12, -60)  # without scroll bar and button
    assert before.copy(rect) == after.copy(rect)


def test_the_button_goes_back_to_the_end(view: ChatView, messages: MessageList) -> None:
    messages.show_path(conversation_of(10).path())
    assert jump_button(view).isHidden()
    wheel(view, 800)
    assert jump_button(view).isVisible()
    QTest.mouseClick(jump_button(view), Qt.MouseButton.LeftButton)
    assert view.sticks_to_end
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()
    assert jump_button(view).isHidden()


def test_sending_a_message_shows_it_wherever_one_was_reading(view: ChatView, messages: MessageList) -> None:
    conversation = conversation_of(10)
    messages.show_path(conversation.path())
    wheel(view, 800)
    messages.append(conversation.append(role="user", text="And then?"))
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_scrolling_up_through_unseen_messages_moves_by_what_was_scrolled(
    view: ChatView, messages: MessageList
) -> None:
    conversation = Conversation.new()
    for number in range(60):  # estimates are far off for these
        conversation.append(role="user", text="\n" * (number % 7) + "x")
        conversation.append(role="assistant", text="i" * 900, model="Built-in model")
    messages.show_path(conversation.path())
    row = row_at(view, 300)
    before = view.place_of(row).y()
    wheel(view, 120)
    moved = view.place_of(row).y() - before
    assert moved > 0
    for _ in range(10):
        row = row_at(view, 300)
        before = view.place_of(row).y()
        wheel(view, 120)
        assert view.place_of(row).y() - before == moved


def test_a_new_width_keeps_the_message_that_is_read(view: ChatView, messages: MessageList) -> None:
    messages.show_path(conversation_of(40).path())
    wheel(view, 5000)
    row = row_at(view, 1)
    for width in (500, 1200, 420, 900):
        view.resize(width, 600)
        assert row_at(view, 1) == row


def test_messages_are_never_wider_than_the_column(view: ChatView, messages: MessageList) -> None:
    view.resize(1600, 600)
    messages.show_path(conversation_of(1).path())
    assert view.column.width == COLUMN_WIDTH
    view.resize(400, 600)
    assert view.column.width < 400


def test_the_selected_text_is_copied(view: ChatView, messages: MessageList) -> None:
    conversation = Conversation.new()
    conversation.append(role="assistant", text="one two three", model="Built-in model")
    messages.show_path(conversation.path())
    origin = (view.place_of(0) + view.column.layout(0).text_rect.topLeft()).toPoint()
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, NO_KEYS, origin + QPoint(0, 8))
    QTest.mouseMove(view.viewport(), origin + QPoint(600, 8))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, NO_KEYS, origin + QPoint(600, 8))
    assert view.selected_text == "one two three"
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "one two three"


def test_a_double_click_selects_a_word_and_ctrl_a_everything(view: ChatView, messages: MessageList) -> None:
    conversation = Conversation.new()
    conversation.append(role="assistant", text="one two three", model="Built-in model")
    messages.show_path(conversation.path())
    origin = (view.place_of(0) + view.column.layout(0).text_rect.topLeft()).toPoint()
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, NO_KEYS, origin + QPoint(5, 8))
    assert view.selected_text == "one"
    QTest.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert view.selected_text == "one two three"
    QTest.qWait(QApplication.doubleClickInterval() + 10)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, NO_KEYS, QPoint(5, 500))
    assert view.selected_text == ""


def test_the_menu_copies_a_whole_message(view: ChatView, messages: MessageList) -> None:
    messages.show_path(conversation_of(1).path())
    menu = make_menu(view, 1)
    copy_message = next(action for action in menu.actions() if action.text() == "Copy message")
    copy_message.trigger()
    assert QGuiApplication.clipboard().text().startswith("Answer 0.")
    menu.deleteLater()


def test_a_failed_answer_shows_a_callout_in_its_colours(
    view: ChatView, messages: MessageList, theme: Theme
) -> None:
    conversation = Conversation.new()
    answer = conversation.append(role="assistant", text="Once", state="streaming", model="Built-in model")
    messages.show_path(conversation.path())
    assert theme.tokens.callout not in colours_in(view)
    stats = AnswerStats(error_code="worker_died", error_message="", error_details={"exit_status": -9})
    messages.change(replace(answer, state="failed", stats=stats))
    view._follower.flush()
    assert theme.tokens.callout in colours_in(view)


def test_another_theme_repaints_everything(view: ChatView, messages: MessageList, theme: Theme) -> None:
    messages.show_path(conversation_of(3).path())
    light = theme.tokens
    theme.choose("dark")
    colours = colours_in(view)
    assert {theme.tokens.window, theme.tokens.bubble} <= colours
    assert light.window not in colours


def test_a_fault_while_painting_is_logged_and_the_window_lives(
    view: ChatView, messages: MessageList, caplog: pytest.LogCaptureFixture
) -> None:
    messages.show_path(conversation_of(1).path()[:1])  # so short that it is in sight
    view.column._layouts[0]._look = None  # type: ignore[assignment]  # what a fault of ours might leave
    with caplog.at_level(logging.ERROR):
        view.viewport().grab()
    assert "painting the conversation failed" in caplog.text


def test_markup_in_a_model_s_text_loads_nothing(view: ChatView, messages: MessageList) -> None:
    conversation = Conversation.new()
    conversation.append(role="assistant", text="<b>bold <img src='file:///etc/passwd'>", model="<i>m</i>")
    messages.show_path(conversation.path())
    assert text_of(view, 0) == "<b>bold <img src='file:///etc/passwd'>"


def test_the_background_is_the_window_s_and_opaque(view: ChatView, theme: Theme) -> None:
    assert QColor(theme.tokens.window).name() in colours_in(view)


def test_an_edge_within_a_dot_is_covered_whole(view: ChatView, theme: Theme) -> None:
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(4 / 3, 4 / 3)  # a scale people choose; the view begins within a dot
    painter.translate(1, 0)
    view._paint(painter, QRectF(0, 0, 20, 20))
    painter.end()
    assert image.pixelColor(1, 10) == QColor(theme.tokens.window)

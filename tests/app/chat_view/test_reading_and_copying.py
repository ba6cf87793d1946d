"""Selecting, copying, finding, following links: what a reader does with answers, through the view."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QToolButton
from pytestqt.qtbot import QtBot

from app.chat_view.chat_view import ChatView
from app.chat_view.link_dialog import LinkDialog
from app.chat_view.message_menu import make_menu
from app.chat_view.text_points import TEXT, InnerPoint
from app.conversations.conversation import AnswerStats, Conversation
from app.lists.message_list import MessageList
from tests.app.chat_view.conftest import SquareSetter
from tests.support.markdown import EVERYTHING

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def show(messages: MessageList, *answers: str) -> Conversation:
    conversation = Conversation.new()
    for number, answer in enumerate(answers):
        conversation.append(role="user", text=f"Question {number}")
        conversation.append(role="assistant", text=answer, model="Built-in model")
    messages.show_path(conversation.path())
    return conversation


def place_of(view: ChatView, row: int, block: int, position: int) -> QPoint:
    """Where in the viewport a character of an answer begins."""
    caret = view.column.read_all(row).caret(InnerPoint(TEXT, block, position))
    return (view.place_of(row) + QPointF(caret.x(), caret.center().y())).toPoint()


def drag(view: ChatView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view.viewport(), LEFT, pos=start)
    QTest.mouseMove(view.viewport(), end)
    QTest.mouseRelease(view.viewport(), LEFT, pos=end)


def copied(view: ChatView) -> str:
    QTest.keyClick(view, Qt.Key.Key_C, CONTROL)
    return QGuiApplication.clipboard().text()


def test_a_selection_across_messages_is_copied_as_it_was_written(
    view: ChatView, messages: MessageList
) -> None:
    show(messages, "one **two** three", "# Head\n\nfour `five` six")
    drag(view, place_of(view, 1, 0, 4), place_of(view, 3, 1, 9))
    assert copied(view) == "**two** three\n\nQuestion 1\n\n# Head\n\nfour `five`"


def test_the_same_selection_can_be_copied_as_it_is_read(view: ChatView, messages: MessageList) -> None:
    show(messages, "one **two** three", "- four\n- five")
    view.selection.select_all()
    view.copying.copy_selection(is_plain=True)
    assert QGuiApplication.clipboard().text() == (
        "Question 0\n\none **two** three\n\nQuestion 1\n\n- four\n- five"
    )
    drag(view, place_of(view, 1, 0, 4), place_of(view, 3, 1, 4))
    view.copying.copy_selection(is_plain=True)
    assert QGuiApplication.clipboard().text() == "two three\n\nQuestion 1\n\n• four\n• five"


def test_dragging_upwards_selects_as_well(view: ChatView, messages: MessageList) -> None:
    show(messages, "one two three")
    drag(view, place_of(view, 1, 0, 7), place_of(view, 1, 0, 4))
    assert copied(view) == "two"


def test_ctrl_a_takes_everything_without_laying_it_out(view: ChatView, messages: MessageList) -> None:
    show(messages, *[f"answer {number}\n\nwith *words*" for number in range(300)])
    laid_out = view.column.num_layouts
    QTest.keyClick(view, Qt.Key.Key_A, CONTROL)
    text = copied(view)
    assert text.count("with *words*") == 300
    assert view.column.num_layouts == laid_out


def test_code_is_copied_by_its_button_and_by_selection_without_its_fence(
    view: ChatView, messages: MessageList
) -> None:
    show(messages, "Look:\n\n```python\nx = 1\ny = 2\n```\n\nDone.")
    found = view.column.read_all(1).block(TEXT, 1)
    assert found is not None
    corner = view.place_of(1) + found[1]
    QTest.mouseClick(view.viewport(), LEFT, pos=(corner + QPointF(view.column.width - 30, 15)).toPoint())
    assert QGuiApplication.clipboard().text() == "x = 1\ny = 2"
    drag(view, place_of(view, 1, 1, 0), place_of(view, 1, 1, 11))
    assert copied(view) == "x = 1\ny = 2"


def test_part_of_a_table_is_copied(view: ChatView, messages: MessageList) -> None:
    show(messages, "| a | b |\n|---|---|\n| one | *two* |\n")
    QTest.mouseDClick(view.viewport(), LEFT, pos=place_of(view, 1, 0, 5) + QPoint(3, 0))
    assert copied(view) == "one"


def test_a_triple_click_selects_the_paragraph(view: ChatView, messages: MessageList) -> None:
    show(messages, "one *two* three\n\nfour")
    place = place_of(view, 1, 0, 5)
    QTest.mouseClick(view.viewport(), LEFT, pos=place)
    QTest.mouseDClick(view.viewport(), LEFT, pos=place)
    QTest.mousePress(view.viewport(), LEFT, pos=place)
    QTest.mouseRelease(view.viewport(), LEFT, pos=place)
    assert copied(view) == "one *two* three"


def test_a_selection_survives_new_text_and_ends_with_another_conversation(
    view: ChatView, messages: MessageList
) -> None:
    conversation = show(messages, "one two", "more")
    drag(view, place_of(view, 1, 0, 0), place_of(view, 1, 0, 3))
    messages.append_text(conversation.path()[-1].id, " text")
    view._follower.flush()
    assert view.selected_text == "one"
    show(messages, "other")
    assert view.selection.is_empty


def test_words_are_found_in_what_was_written(view: ChatView, messages: MessageList) -> None:
    show(messages, *[f"Answer {number} has a **needle**" for number in range(60)])
    QTest.keyClick(view, Qt.Key.Key_F, CONTROL)
    bar = view.find_control.bar
    assert bar.isVisible()
    QTest.keyClicks(bar.field, "NEEDLE")
    assert view.find_control.finder.count == 60
    QTest.keyClick(bar.field, Qt.Key.Key_Return, SHIFT)
    first = view.find_control.finder.current
    assert first is not None
    for _ in range(5):
        QTest.keyClick(bar.field, Qt.Key.Key_Return, SHIFT)
    match = view.find_control.finder.current
    assert match is not None
    assert match.row == first.row - 10
    assert match.row in view.rows_in_sight()
    image = view.viewport().grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 900, 2) for y in range(0, 600, 2)}
    assert view._theme.tokens.current_match in colours
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert view.find_control.finder.count == 0


def test_the_search_goes_round(view: ChatView, messages: MessageList) -> None:
    show(messages, "x x", "x")
    view.find_control.find("x")
    numbers = []
    for _ in range(4):
        numbers.append(view.find_control.finder.number)
        view.find_control.step(1)
    assert sorted(numbers[:3]) == [0, 1, 2]
    assert numbers[3] == numbers[0]


def test_a_clicked_link_is_asked_for_and_nothing_else_is(
    view: ChatView, messages: MessageList, qtbot: QtBot
) -> None:
    show(messages, "Go to [the page](https://example.org/x) or [there](file:///etc/passwd)")
    with qtbot.waitSignal(view.link_clicked) as clicked:
        QTest.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, 0, 9))
    assert clicked.args == ["https://example.org/x"]
    with qtbot.assertNotEmitted(view.link_clicked):
        QTest.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, 0, 22))


def test_a_link_that_says_something_else_is_asked_about_first(
    view: ChatView, messages: MessageList, qtbot: QtBot
) -> None:
    show(messages, "[bank.example](https://evil.example/login)")
    with qtbot.assertNotEmitted(view.link_clicked):
        QTest.mouseClick(view.viewport(), LEFT, pos=place_of(view, 1, 0, 4))
    dialog = view.findChild(LinkDialog)
    assert isinstance(dialog, LinkDialog)
    with qtbot.waitSignal(view.link_clicked):
        dialog.accept()


def test_the_target_of_a_link_is_shown_under_the_pointer(view: ChatView, messages: MessageList) -> None:
    show(messages, "[the page](https://example.org/x)")
    QTest.mouseMove(view.viewport(), place_of(view, 1, 0, 3))
    assert view.viewport().toolTip() == "https://example.org/x"
    assert view.viewport().cursor().shape() == Qt.CursorShape.PointingHandCursor


def test_reasoning_is_folded_until_it_is_asked_for(view: ChatView, messages: MessageList) -> None:
    conversation = show(messages, "The answer.")
    stats = AnswerStats(reasoning_ms=12_300, reasoning_tokens=340)
    answer = replace(conversation.path()[1], reasoning="First *this*.\n\nThen that.", stats=stats)
    messages.change(answer)
    view._follower.flush()
    layout = view.column.layout(1)
    assert layout.reasoning_title == "Thought for 12 s · 340 tokens"
    assert [part for part, _, _ in layout.parts()] == [TEXT]
    folded = layout.height
    line = layout.reasoning_rect.center() + view.place_of(1)
    QTest.mouseClick(view.viewport(), LEFT, pos=line.toPoint())
    assert layout.is_reasoning_open
    assert layout.height > folded + 40
    QTest.mouseClick(view.viewport(), LEFT, pos=(layout.reasoning_rect.center() + view.place_of(1)).toPoint())
    assert layout.height == folded


def test_reasoning_that_arrives_says_so(view: ChatView, messages: MessageList) -> None:
    conversation = show(messages, "Earlier.")
    answer = conversation.append(role="assistant", text="", state="streaming", model="m")
    messages.append(answer)
    messages.append_reasoning(answer.id, "Let me see")
    view._follower.flush()
    assert view.column.layout(2).reasoning_title.startswith("Thinking")
    messages.append_text(answer.id, "So.")
    view._follower.flush()
    assert view.column.layout(2).reasoning_title.startswith("Thought")


def test_formulas_appear_when_they_are_ready(
    view: ChatView, messages: MessageList, setter: SquareSetter
) -> None:
    setter.is_ready = False
    show(messages, "Inline $x^2$ and\n\n$$\ny\n$$\n\n$\\broken$\n\n|a|\n|-|\n|$z$|")
    assert {"x^2", "y", "z", "\\broken"} <= set(setter.asked)
    before = view.viewport().grab().toImage()
    setter.is_ready = True
    setter.typeset_ready.emit("x^2")
    view._follower.flush()
    after = view.viewport().grab().toImage()
    red = sum(
        after.pixelColor(x, y).name() == "#ff0000"
        for x in range(after.width())
        for y in range(after.height())
    )
    assert red == pytest.approx(3 * 40 * 30, rel=0.1)
    assert before != after


def test_the_keyboard_goes_from_message_to_message(view: ChatView, messages: MessageList) -> None:
    show(messages, *[EVERYTHING] * 3)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.current_row == 5
    for _ in range(3):
        QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.current_row == 2
    assert 2 in view.rows_in_sight()
    QTest.keyClick(view, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "Question 1"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.current_row is None


def test_f7_opens_a_message_as_text_with_a_caret(view: ChatView, messages: MessageList, qtbot: QtBot) -> None:
    show(messages, "Some **text**")
    QTest.keyClick(view, Qt.Key.Key_F7)
    text = view.findChild(QPlainTextEdit)
    assert isinstance(text, QPlainTextEdit)
    assert text.toPlainText() == "Some **text**"
    assert text.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    text.window().close()


def test_the_buttons_under_the_newest_answer_ask_for_what_they_say(
    view: ChatView, messages: MessageList, qtbot: QtBot
) -> None:
    conversation = show(messages, "Answer")
    answer = conversation.path()[1]
    messages.change(replace(answer, stats=AnswerStats(finish_reason="length")))
    messages.set_versions(answer.id, 2, 3)
    view._follower.flush()
    view.place_overlays()
    buttons = {
        button.accessibleName(): button for button in view.action_rows.newest.findChildren(QToolButton)
    }
    shown = {name for name, button in buttons.items() if button.isVisible()}
    assert shown == {
        "Previous version",
        "Next version",
        "Copy message",
        "Regenerate the answer",
        "Continue the answer",
        "Delete message",
        "More",
    }
    for name, signal, arguments in (
        ("Regenerate the answer", view.regenerate_requested, [answer.id]),
        ("Continue the answer", view.continue_requested, [answer.id]),
        ("Delete message", view.delete_requested, [answer.id]),
        ("Next version", view.version_requested, [answer.id, 1]),
        ("Previous version", view.version_requested, [answer.id, -1]),
    ):
        with qtbot.waitSignal(signal) as asked:
            QTest.mouseClick(buttons[name], LEFT)
        assert asked.args == arguments


def test_the_message_under_the_pointer_shows_its_buttons(
    view: ChatView, messages: MessageList, qtbot: QtBot
) -> None:
    conversation = show(messages, "One", "Two")
    question = conversation.path()[2]
    QTest.mouseMove(view.viewport(), (view.place_of(2) + QPointF(700, 40)).toPoint())
    chosen = view.action_rows.chosen
    assert chosen.isVisible()
    assert chosen.message_id == question.id
    edit = next(
        button for button in chosen.findChildren(QToolButton) if button.accessibleName() == "Edit message"
    )
    with qtbot.waitSignal(view.edit_requested) as asked:
        QTest.mouseClick(edit, LEFT)
    assert asked.args == [question.id]


def test_an_answer_that_is_arriving_has_no_buttons(view: ChatView, messages: MessageList) -> None:
    conversation = show(messages, "One")
    messages.append(conversation.append(role="assistant", text="", state="streaming", model="m"))
    assert not view.action_rows.newest.isVisible()


def test_the_menu_offers_what_the_buttons_do(view: ChatView, messages: MessageList) -> None:
    show(messages, "One")
    menu = make_menu(view, 1)
    assert {"Copy message", "Open as text", "Regenerate", "Delete"} <= {a.text() for a in menu.actions()}
    menu.deleteLater()


def test_another_branch_replaces_the_end_and_keeps_the_rest(view: ChatView, messages: MessageList) -> None:
    conversation = show(messages, "One", "Two")
    path = conversation.path()
    messages.replace_tail(3, [replace(path[3], id="other", text="Another answer")])
    assert view.column.num_rows == 4
    view.viewport().grab()
    assert view.column.layout(3).message.text == "Another answer"


def test_what_no_longer_fits_the_context_is_dimmed(view: ChatView, messages: MessageList) -> None:
    conversation = show(messages, "One", "Two")
    before = view.viewport().grab().toImage()
    messages.set_first_kept(conversation.path()[2].id)
    after = view.viewport().grab().toImage()
    top = int(view.place_of(2).y())
    assert before.copy(0, 0, 900, top) != after.copy(0, 0, 900, top)
    assert before.copy(0, top, 900, 500) == after.copy(0, top, 900, 500)


def test_long_code_lines_move_sideways(view: ChatView, messages: MessageList) -> None:
    show(messages, "```\n" + "word " * 200 + "\n```")
    found = view.column.read_all(1).block(TEXT, 0)
    assert found is not None
    layout = found[0]
    start = layout.caret(10).x()
    assert layout.scroll_sideways(120)
    assert layout.caret(10).x() == start - 120
    assert layout.scroll_sideways(1e9)
    assert not layout.scroll_sideways(10)


@pytest.mark.parametrize(
    "text",
    ["```\n" + "word " * 200 + "\n```", "|" + "head|" * 30 + "\n|" + "-|" * 30 + "\n|" + "some words|" * 30],
)
def test_the_bar_of_what_is_too_wide_can_be_dragged(view: ChatView, messages: MessageList, text: str) -> None:
    show(messages, text)
    found = view.column.read_all(1).block(TEXT, 0)
    assert found is not None
    layout, corner = found
    assert layout.sideways is not None
    on_bar = (view.place_of(1) + corner + QPointF(30, layout.height - 6)).toPoint()
    before = view.viewport().grab().toImage()
    drag(view, on_bar, on_bar + QPoint(60, -40))
    assert layout.sideways.offset > 60  # what is shown moves farther than its bar
    assert view.selection.is_empty
    assert view.viewport().grab().toImage() != before
    QTest.mouseMove(view.viewport(), on_bar)
    drag(view, on_bar + QPoint(60, 0), on_bar)
    assert layout.sideways.offset == pytest.approx(0)


def test_pictures_of_the_data_folder_are_shown_and_others_are_not(
    messages: MessageList, tmp_path: Path, qtbot: QtBot, view: ChatView
) -> None:
    from PySide6.QtGui import QImage  # noqa: PLC0415

    folder = tmp_path / "data"
    folder.mkdir()
    for path in (folder / "in.png", tmp_path / "out.png"):
        image = QImage(30, 20, QImage.Format.Format_RGB32)
        image.fill(0x00FF00)
        image.save(str(path))
    view._look.picture_folder = folder
    outside = ("../out.png", str(tmp_path / "out.png"), "file:///x.png", "//host/share/in.png", "C:\\in.png")
    show(messages, "![a](in.png)", *[f"![a]({source})" for source in outside])
    view.verticalScrollBar().setValue(0)
    shown = view.column.read_all(1).block(TEXT, 0)
    assert shown is not None
    assert shown[0].height == 20
    for row in range(3, 3 + 2 * len(outside), 2):
        found = view.column.read_all(row).block(TEXT, 0)
        assert found is not None
        assert "image not loaded" in found[0].text or found[0].text.startswith("![a]")

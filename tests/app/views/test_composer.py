from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.attachments import LONG_PASTE
from app.conversations.message import Draft
from app.theme.theme import Theme
from app.views.composer import Composer
from app.views.message_field import MOST_LINES


@pytest.fixture
def composer(theme: Theme, qtbot: QtBot) -> Iterator[Composer]:
    composer = Composer(theme)
    qtbot.addWidget(composer)
    composer.resize(600, 100)
    composer.show()
    qtbot.waitExposed(composer)
    composer.field.setFocus()
    yield composer


def button(composer: Composer) -> QToolButton:
    found = composer.findChild(QToolButton, "send")
    assert isinstance(found, QToolButton)
    return found


def press(
    composer: Composer, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    QTest.keyClick(composer.field, key, modifier)


def test_enter_sends_what_is_typed_without_the_space_around_it(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.field, "  Hello ")
    with qtbot.waitSignal(composer.submitted) as submitted:
        press(composer, Qt.Key.Key_Return)
    assert submitted.args == [Draft(text="Hello")]


def test_shift_and_enter_start_a_line(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.field, "one")
    with qtbot.assertNotEmitted(composer.submitted):
        press(composer, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer.field, "two")
    assert composer.text == "one\ntwo"


def test_enter_on_the_number_pad_sends_too(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.field, "Hello")
    with qtbot.waitSignal(composer.submitted):
        press(composer, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)


def test_enter_while_an_input_method_composes_does_not_send(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.field, "abc")
    QApplication.sendEvent(composer.field, QInputMethodEvent("にほん", []))
    with qtbot.assertNotEmitted(composer.submitted):
        press(composer, Qt.Key.Key_Return)
    done = QInputMethodEvent("", [])
    done.setCommitString("日本")
    QApplication.sendEvent(composer.field, done)
    with qtbot.waitSignal(composer.submitted) as submitted:
        press(composer, Qt.Key.Key_Return)
    assert submitted.args == [Draft(text="abc日本")]


def test_nothing_but_space_cannot_be_sent(composer: Composer, qtbot: QtBot) -> None:
    QTest.keyClicks(composer.field, "   ")
    assert not button(composer).isEnabled()
    with qtbot.assertNotEmitted(composer.submitted):
        press(composer, Qt.Key.Key_Return)


def test_the_button_stops_while_an_answer_runs_and_text_can_be_typed_meanwhile(
    composer: Composer, qtbot: QtBot
) -> None:
    composer.set_answering(True)
    assert button(composer).accessibleName() == "Stop"
    QTest.keyClicks(composer.field, "next question")
    with qtbot.assertNotEmitted(composer.submitted):
        press(composer, Qt.Key.Key_Return)
    with qtbot.waitSignal(composer.stop_requested):
        QTest.mouseClick(button(composer), Qt.MouseButton.LeftButton)
    composer.set_answering(False)
    assert button(composer).accessibleName() == "Send"
    assert composer.text == "next question"


def test_it_grows_with_its_text_up_to_eight_lines(composer: Composer, qtbot: QtBot) -> None:
    heights = []
    for lines in (1, 2, 5, 8, 9, 40):
        composer.text = "\n".join("line" for _ in range(lines))
        heights.append(composer.field.height())
    assert heights[0] < heights[1] < heights[2] < heights[3]
    assert heights[3] == heights[4] == heights[5]
    assert MOST_LINES == 8


def test_pasted_markup_is_plain_text(composer: Composer) -> None:
    data = QMimeData()
    data.setHtml("<h1>Big</h1>")
    data.setText("Big")
    composer.field.insertFromMimeData(data)
    assert composer.text == "Big"
    assert "font-size" not in composer.field.toHtml().split("Big")[0].rsplit("<p", 1)[-1]


def test_a_dropped_file_is_left_to_the_window(composer: Composer) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/models/a.gguf")])
    assert not composer.field.canInsertFromMimeData(data)


def test_the_context_is_shown_once_there_is_an_answer(composer: Composer) -> None:
    composer.set_context(0, 0)
    assert composer.gauge.text == ""
    composer.set_context(1204, 32768)
    assert composer.gauge.text == "1,204 / 32,768"
    composer.set_context(1300, 32768, is_estimate=True)
    assert composer.gauge.text == "about 1,300 / 32,768"


def paste(composer: Composer, text: str) -> None:
    data = QMimeData()
    data.setText(text)
    composer.field.insertFromMimeData(data)


def chip_button(composer: Composer, name: str) -> QToolButton:
    buttons = composer.chips.findChildren(QToolButton)
    return next(b for b in buttons if b.accessibleName() == name and not b.isHidden())


def test_a_long_paste_becomes_an_attachment_and_a_short_one_text(composer: Composer) -> None:
    paste(composer, "a" * LONG_PASTE)
    assert composer.text == "a" * LONG_PASTE
    composer.text = ""
    paste(composer, "b" * (LONG_PASTE + 1))
    paste(composer, "c" * (LONG_PASTE + 1))
    assert composer.text == ""
    assert [one.name for one in composer.chips.attachments] == ["Pasted text", "Pasted text 2"]


def test_an_attachment_can_be_turned_back_into_text(composer: Composer) -> None:
    long_text = "word " * 1000
    paste(composer, long_text)
    QTest.mouseClick(chip_button(composer, "Turn Pasted text into text"), Qt.MouseButton.LeftButton)
    assert composer.text == long_text
    assert composer.chips.attachments == ()


def test_an_attachment_can_be_removed(composer: Composer) -> None:
    paste(composer, "word " * 1000)
    QTest.mouseClick(chip_button(composer, "Remove Pasted text"), Qt.MouseButton.LeftButton)
    assert composer.is_empty
    assert not composer.chips.isVisible()


def test_an_attachment_alone_can_be_sent_and_stands_above_the_text(
    composer: Composer, tmp_path: Path, qtbot: QtBot
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("one\ntwo\n", encoding="utf-8")
    composer.attach_files([str(notes)])
    assert button(composer).isEnabled()
    QTest.keyClicks(composer.field, "What is this?")
    with qtbot.waitSignal(composer.submitted) as submitted:
        press(composer, Qt.Key.Key_Return)
    assert submitted.args[0].text == "What is this?"
    assert [one.text for one in submitted.args[0].attachments] == ["one\ntwo\n"]
    assert composer.written == "notes.txt:\n```\none\ntwo\n```\n\nWhat is this?"
    composer.draft = Draft()
    assert composer.is_empty


def test_a_file_that_is_no_text_is_refused_in_words(composer: Composer, tmp_path: Path, qtbot: QtBot) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\0\0")
    with qtbot.waitSignal(composer.refused) as refused:
        composer.attach_files([str(picture), str(tmp_path / "nowhere.txt")])
    assert refused.args[0].startswith("picture.png is not a text file. nowhere.txt cannot be read: ")
    assert composer.chips.attachments == ()


def test_with_ctrl_enter_chosen_enter_starts_a_line(composer: Composer, qtbot: QtBot) -> None:
    composer.field.sends_with_ctrl = True
    QTest.keyClicks(composer.field, "one")
    with qtbot.assertNotEmitted(composer.submitted):
        press(composer, Qt.Key.Key_Return)
    QTest.keyClicks(composer.field, "two")
    with qtbot.waitSignal(composer.submitted) as submitted:
        press(composer, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert submitted.args == [Draft(text="one\ntwo")]

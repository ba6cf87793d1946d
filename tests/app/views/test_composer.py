from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.theme.theme import Theme
from app.views.composer import MOST_LINES, Composer


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
    assert submitted.args == ["Hello"]


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
    assert submitted.args == ["abc日本"]


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
    assert composer._context.text() == ""
    composer.set_context(1204, 32768)
    assert composer._context.text() == "1,204 / 32,768"

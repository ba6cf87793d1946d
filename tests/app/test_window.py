"""The whole window with the real engine behind it, as a user meets it."""

from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.chat_view.answer_notes import note_under
from app.shortcuts import COMMANDS
from app.theme.theme import THEME_CHOICES
from app.theme.tokens import DARK, LIGHT
from app.views.empty_state import SUGGESTIONS
from app.views.model_popup import ModelRow
from tests.support.host_recorder import worker_processes
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint
from tests.support.tiny_model import write_tiny_model
from tests.support.window import (
    WAIT_MS,
    Open,
    answer,
    answering_worker,
    type_and_send,
    use,
    wait_for_answer,
    wait_for_text,
)

pytestmark = pytest.mark.slow

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"


def test_a_typed_message_is_answered_on_the_screen(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:rate=300,tokens=60,text=hello ")
    type_and_send(application, "Who are you?")
    assert application.window.page.composer.text == ""
    said = wait_for_answer(application, qtbot)
    assert said.text == "hello " * 10
    shown = application.workings.messages
    assert [shown.message(row).text for row in range(shown.rowCount())] == ["Who are you?", said.text]
    assert application.workings.chat_view.isVisible()
    assert application.window.strip.text.startswith("Ready · ")


def test_stop_keeps_the_text_and_says_stopped(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:rate=100,tokens=3000")
    type_and_send(application, "Go on")
    wait_for_text(application, qtbot)
    QTest.keyClick(application.window, Qt.Key.Key_Escape)
    said = wait_for_answer(application, qtbot)
    assert len(said.text) >= 10
    assert note_under(said, "").endswith(" · stopped")


def test_a_worker_killed_in_the_middle_of_an_answer_is_explained_and_the_next_message_works(
    application: Application, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:rate=100,tokens=200,text=abc ")
    type_and_send(application, "Go on")
    wait_for_text(application, qtbot)
    answering_worker(application, qtbot).kill()
    said = wait_for_answer(application, qtbot)
    assert said.state == "failed"
    assert said.text.startswith("abc abc")
    assert application.window.isVisible()
    assert application.window.strip.text.startswith("Error")
    type_and_send(application, "Again")
    assert wait_for_answer(application, qtbot).state == "complete"


def test_a_host_killed_in_the_middle_of_an_answer_is_explained_and_the_next_message_works(
    application: Application, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:rate=100,tokens=200,text=abc ")
    type_and_send(application, "Go on")
    wait_for_text(application, qtbot)
    psutil.Process(application.workings.host.pid).kill()
    said = wait_for_answer(application, qtbot)
    assert (said.state, said.stats.error_code) == ("failed", "host_died")
    assert said.text.startswith("abc abc")
    type_and_send(application, "Again")
    assert wait_for_answer(application, qtbot).state == "complete"


def test_a_damaged_file_is_refused_in_words_and_the_model_before_stays(
    application: Application, damaged_model: Path, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:tokens=5")
    application.workings.open_model(str(damaged_model))
    qtbot.waitUntil(lambda: bool(application.window.page.notice.text), timeout=WAIT_MS)
    assert "damaged.gguf is damaged or is no model file" in application.window.page.notice.text
    assert application.workings.choice.current == "fake:tokens=5"
    type_and_send(application, "Still there?")
    assert wait_for_answer(application, qtbot).state == "complete"


def test_a_missing_file_is_refused_in_words(application: Application, qtbot: QtBot) -> None:
    application.workings.open_model("/nowhere/model.gguf")
    qtbot.waitUntil(lambda: "/nowhere/model.gguf" in application.window.page.notice.text, timeout=WAIT_MS)


@pytest.mark.llama
@pytest.mark.slow
def test_a_real_model_file_answers(application: Application, tmp_path: Path, qtbot: QtBot) -> None:
    path = write_tiny_model(tmp_path / "tiny.gguf", chat_template=TEMPLATE, name="Tiny tester")
    application.window.model_file_chosen.emit(str(path))
    qtbot.waitUntil(lambda: application.workings.choice.loaded is not None, timeout=WAIT_MS)
    assert application.workings.choice.current_name == "Tiny tester"
    type_and_send(application, "Hello")
    wait_for_text(application, qtbot, 1)
    application.workings.shown.stop()
    assert wait_for_answer(application, qtbot).state == "complete"
    assert "llama.cpp" in application.window.strip.text


def test_closing_the_window_ends_every_child_process(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:rate=100,tokens=3000")
    type_and_send(application, "Go on")
    wait_for_text(application, qtbot)
    children = psutil.Process().children(recursive=True)
    assert len(children) >= 2
    application.window.close()
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_an_answer_that_was_running_at_the_end_is_there_at_the_next_start(
    open_window: Open, qtbot: QtBot
) -> None:
    first = open_window()
    use(first, qtbot, "fake:rate=100,tokens=3000,text=abc ")
    type_and_send(first, "Tell me a story")
    wait_for_text(first, qtbot)
    kept = answer(first).text
    first.close()
    second = open_window()
    row = second.workings.conversations.row_of(first.workings.shown.session.conversation.id)
    assert row.data() == "Tell me a story"
    second.workings.conversation_view.clicked.emit(row)
    said = answer(second)
    assert said.state == "interrupted"
    assert said.text.startswith(kept)


def test_what_is_typed_waits_while_another_conversation_is_shown(
    application: Application, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "First")
    wait_for_answer(application, qtbot)
    first = application.workings.shown.session.conversation.id
    QTest.keyClicks(application.window.page.composer.field, "half a thought")
    application.workings.new_chat()
    assert application.window.page.composer.text == ""
    QTest.keyClicks(application.window.page.composer.field, "another one")
    application.workings.open_conversation(first)
    assert application.window.page.composer.text == "half a thought"


def test_an_answer_goes_on_while_another_conversation_is_shown(
    application: Application, qtbot: QtBot
) -> None:
    use(application, qtbot, "fake:rate=150,tokens=100,text=a")
    type_and_send(application, "First")
    first = application.workings.shown.session
    wait_for_text(application, qtbot, 1)
    application.workings.new_chat()
    assert application.workings.messages.rowCount() == 0
    qtbot.waitUntil(lambda: not first.is_answering, timeout=WAIT_MS)
    assert application.workings.messages.rowCount() == 0
    application.workings.open_conversation(first.conversation.id)
    assert application.workings.messages.message(1).text == "a" * 100


def test_a_new_chat_is_only_made_where_the_shown_one_has_something_in_it(
    application: Application, qtbot: QtBot
) -> None:
    empty = application.workings.shown.session
    QTest.keyClick(application.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert application.workings.shown.session is empty
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "First")
    wait_for_answer(application, qtbot)
    QTest.keyClick(application.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert application.workings.shown.session is not empty
    assert application.window.page.empty_state.isVisible()


def test_a_suggestion_is_sent_with_one_click(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    suggestion = next(
        button
        for button in application.window.page.empty_state.findChildren(QPushButton)
        if button.text() == SUGGESTIONS[0]
    )
    QTest.mouseClick(suggestion, Qt.MouseButton.LeftButton)
    assert application.workings.shown.session.conversation.path()[0].text == SUGGESTIONS[0]
    wait_for_answer(application, qtbot)


def test_typing_anywhere_goes_into_the_composer(application: Application) -> None:
    for place in (application.window, application.workings.chat_view, application.workings.conversation_view):
        application.window.page.composer.text = ""
        QTest.keyClicks(place, "Hi")
        assert application.window.page.composer.text == "Hi", place


def test_a_deleted_conversation_can_be_taken_back(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "Precious")
    wait_for_answer(application, qtbot)
    conversation_id = application.workings.shown.session.conversation.id
    menu_entry(application.workings.conversation_view.menu_for(conversation_id), "Delete").trigger()
    assert not application.workings.conversations.row_of(conversation_id).isValid()
    assert application.workings.shown.session.conversation.is_empty
    undo = next(b for b in application.window.page.notice.findChildren(QPushButton) if b.text() == "Undo")
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert application.workings.conversations.row_of(conversation_id).isValid()
    assert application.workings.shown.session.conversation.id == conversation_id


def test_a_conversation_is_renamed_in_its_row(open_window: Open, qtbot: QtBot) -> None:
    first = open_window()
    use(first, qtbot, "fake:tokens=5")
    type_and_send(first, "Question")
    wait_for_answer(first, qtbot)
    conversation_id = first.workings.shown.session.conversation.id
    menu_entry(first.workings.conversation_view.menu_for(conversation_id), "Rename").trigger()
    editor = QApplication.focusWidget() or first.workings.conversation_view.findChild(QWidget)
    assert editor is not None
    first.workings.conversations.setData(first.workings.conversations.row_of(conversation_id), "Answers")
    first.close()
    second = open_window()
    assert second.workings.conversations.row_of(conversation_id).data() == "Answers"


def test_the_shown_conversation_is_marked_in_the_sidebar(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    type_and_send(application, "First")
    wait_for_answer(application, qtbot)
    assert application.workings.conversation_view.currentIndex().data() == "First"
    application.workings.new_chat()
    assert not application.workings.conversation_view.currentIndex().isValid()


def test_the_popup_offers_the_built_in_model_what_was_opened_and_a_file(
    application: Application, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    application.workings.choice.choose(str(path))
    popup = application.window.picker.make_popup()
    qtbot.addWidget(popup)
    rows = popup.findChildren(ModelRow)
    assert {row.facts.name for row in rows} == {"Built-in model", "mine"}
    assert [row.facts.name for row in rows if row.is_current] == ["mine"]
    entries = [button.text().strip() for button in popup.findChildren(QPushButton)[-2:]]
    assert entries == ["Open a .gguf…", "Open a model folder…"]
    builtin = next(row for row in rows if row.facts.name == "Built-in model")
    builtin.findChildren(QPushButton)[0].click()
    assert application.workings.choice.current == "builtin"


def test_a_model_in_memory_can_be_ejected(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:tokens=5")
    application.window.commands["eject_model"].trigger()
    qtbot.waitUntil(lambda: "fake:tokens=5" not in application.workings.choice.in_memory, timeout=WAIT_MS)


def test_every_command_is_in_the_menu(application: Application) -> None:
    shown = {action.objectName() for action in application.window.menu.actions()}
    assert set(COMMANDS) <= shown


def test_a_command_can_have_other_keys_and_keeps_them(open_window: Open) -> None:
    first = open_window()
    first.shortcuts.bind("toggle_sidebar", "Ctrl+J")
    first.close()
    second = open_window()
    QTest.keyClick(second.window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert second.window.shows_sidebar
    QTest.keyClick(second.window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert not second.window.shows_sidebar


def test_larger_text_is_kept_for_the_next_start(open_window: Open) -> None:
    first = open_window()
    before = first.window.page.composer.field.font().pixelSize()
    for _ in range(3):
        QTest.keyClick(first.window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert first.window.page.composer.field.font().pixelSize() > 1.4 * before
    first.close()
    assert open_window().theme.font_scale == 150


def test_what_is_measured_is_said_while_the_answer_arrives(application: Application, qtbot: QtBot) -> None:
    use(application, qtbot, "fake:rate=50,tokens=3000,text=abc ")
    type_and_send(application, "Go on")
    strip = application.window.strip
    qtbot.waitUntil(lambda: "tokens · first token" in strip.text and "tok/s" in strip.text, timeout=WAIT_MS)
    application.workings.shown.stop()
    wait_for_answer(application, qtbot)


def test_ctrl_o_asks_for_a_file(application: Application, qtbot: QtBot) -> None:
    QTest.keyClick(application.window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(application.window.findChildren(QFileDialog)), timeout=WAIT_MS)
    application.window.findChildren(QFileDialog)[0].reject()


def test_a_model_file_dropped_on_the_window_is_opened(
    application: Application, damaged_model: Path, qtbot: QtBot
) -> None:
    drop_on(application, damaged_model)
    qtbot.waitUntil(lambda: "damaged.gguf" in application.window.page.notice.text, timeout=WAIT_MS)


@pytest.mark.parametrize("gesture", ["drop", "folder"])
def test_the_folder_of_a_checkpoint_is_opened_and_stays_in_the_library(
    gesture: str, application: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    pytest.importorskip("torch")
    folder = write_chat_checkpoint(tmp_path / "small", DEEPSEEK)
    if gesture == "drop":
        assert drop_on(application, folder)
    else:
        application.window.open_model_folder(str(folder))
    workings = application.workings
    qtbot.waitUntil(lambda: workings.choice.loaded is not None, timeout=WAIT_MS)
    assert {loaded.backend for loaded in workings.choice.in_memory.values()} >= {"torch"}
    qtbot.waitUntil(lambda: workings.library.find(str(folder)) is not None, timeout=WAIT_MS)
    popup = application.window.picker.make_popup()
    qtbot.addWidget(popup)
    row = next(row for row in popup.findChildren(ModelRow) if row.facts.name == "small")
    assert row.facts.line.startswith("Checkpoint · ")


def test_a_folder_without_a_model_is_refused_in_words(application: Application, tmp_path: Path) -> None:
    application.window.open_model_folder(str(tmp_path))
    assert "config.json" in application.window.page.notice.text


def test_a_text_file_dropped_on_the_window_is_attached(application: Application, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader", encoding="utf-8")
    assert drop_on(application, letter)
    assert [one.name for one in application.window.page.composer.chips.attachments] == ["letter.txt"]
    assert application.workings.choice.current == "builtin"


def test_what_is_no_file_is_not_taken(application: Application, tmp_path: Path) -> None:
    assert not drop_on(application, tmp_path)
    assert not drop_on(application, tmp_path / "nowhere.txt")


def test_a_paste_anywhere_goes_into_the_composer(application: Application) -> None:
    QApplication.clipboard().setText("from elsewhere")
    application.workings.conversation_view.setFocus()
    QTest.keyClick(application.window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert application.window.page.composer.text == "from elsewhere"


@pytest.mark.parametrize("choice", THEME_CHOICES)
def test_the_theme_is_kept_for_the_next_start(open_window: Open, choice: str) -> None:
    first = open_window()
    names = {"system": "As the system", "light": "Light", "dark": "Dark"}
    menu_entry(first.window.theme_menu, names[choice]).trigger()
    first.close()
    second = open_window()
    assert second.theme.choice == choice
    assert second.theme.tokens is (DARK if choice == "dark" else LIGHT)


def test_the_sidebar_can_be_hidden_and_stays_hidden(open_window: Open) -> None:
    first = open_window()
    QTest.keyClick(first.window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not first.window.shows_sidebar
    first.close()
    assert not open_window().window.shows_sidebar


def test_every_control_has_a_name_for_screen_readers(application: Application) -> None:
    controls = [c for c in application.window.findChildren(QAbstractButton) if c.isVisible()]
    unnamed = [control for control in controls if not (control.accessibleName() or control.text())]
    assert len(controls) >= 7
    assert not unnamed
    assert application.window.page.composer.field.accessibleName()
    assert application.workings.chat_view.accessibleName()
    assert application.workings.conversation_view.accessibleName()


def test_labels_take_no_markup_from_users_or_models(application: Application) -> None:
    constant = {"Retort"}
    for label in application.window.findChildren(QLabel):
        plain = label.textFormat() == Qt.TextFormat.PlainText
        assert plain or label.text() in constant or not label.text(), label.text()


def test_starting_and_closing_at_once_leaves_nothing_running(open_window: Open) -> None:
    open_window().close()
    assert worker_processes() == []


def menu_entry(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text() == text)


def drop_on(application: Application, path: Path) -> bool:
    """Drop a file on the middle of the window; whether it was taken."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    everything = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    place = QPoint(600, 300)
    enter = QDragEnterEvent(place, *everything)
    QApplication.sendEvent(application.window, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(application.window, QDropEvent(place, *everything))
    return True


def test_keys_lead_to_the_search_and_to_what_is_found_in_the_chat(
    application: Application, qtbot: QtBot
) -> None:
    application.window.toggle_sidebar()
    QTest.keyClick(application.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert application.window.shows_sidebar
    assert application.window.sidebar.search.hasFocus()
    QTest.keyClick(application.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert not application.workings.chat_view.find_control.bar.isVisible()  # nothing has been said yet
    use(application, qtbot, "fake:tokens=5")
    application.window.page.composer.setFocus()
    type_and_send(application, "First")
    wait_for_answer(application, qtbot)
    QTest.keyClick(application.window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert application.workings.chat_view.find_control.bar.isVisible()
    QTest.keyClick(application.window, Qt.Key.Key_Escape)
    assert not application.workings.chat_view.find_control.bar.isVisible()

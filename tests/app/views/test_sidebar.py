"""The sidebar with the whole window behind it: search, bin, folders, export and import."""

import json
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.conversation import Conversation
from app.conversations.search import MARK_END, MARK_START
from app.views.results_view import ResultsView, split_marks
from tests.support.window import WAIT_MS, Open

pytestmark = pytest.mark.slow


def put(application: Application, qtbot: QtBot, *texts: str) -> Conversation:
    """A conversation that is there since some time."""
    talk = Conversation.new()
    for number, text in enumerate(texts):
        talk.append(role="assistant" if number % 2 else "user", text=text, model="A model")
    application.workings.store.save(talk.header, *talk.path())
    qtbot.waitUntil(lambda: application.workings.store.has(talk), timeout=WAIT_MS)
    application.workings.conversations.put(talk.header)
    return talk


def wait_for_bin(application: Application, qtbot: QtBot, length: int) -> None:
    """Wait until so much lies in the bin of the file."""
    qtbot.waitUntil(lambda: len(application.workings.store.bin()) == length, timeout=WAIT_MS)


def wait_for_results(application: Application, qtbot: QtBot, *conversation_ids: str) -> None:
    """Wait until the search shows these conversations: before the last letter it may show others."""
    results = application.workings.search_results

    def shown() -> list[str]:
        return [results.result(row).conversation_id for row in range(results.rowCount())]

    qtbot.waitUntil(lambda: shown() == list(conversation_ids), timeout=WAIT_MS)


def titles(application: Application) -> list[str]:
    conversations = application.workings.conversations
    return [conversations.index(row).data() for row in range(conversations.rowCount())]


def choose(menu: QMenu, *names: str) -> None:
    """Trigger an entry of a menu, through its submenus."""
    for name in names:
        action = next(action for action in menu.actions() if action.text() == name)
        submenu = action.menu()
        if isinstance(submenu, QMenu):
            menu = submenu
        else:
            action.trigger()


def test_what_is_typed_into_the_search_finds_and_enter_shows_the_message(
    application: Application, qtbot: QtBot
) -> None:
    talk = put(application, qtbot, "How does it work?", "The vapour condenses.", "And then?", "It drips.")
    put(application, qtbot, "Something else")
    sidebar = application.window.sidebar
    sidebar.focus_search()
    assert sidebar.search.hasFocus()
    QTest.keyClicks(sidebar.search, "condens")
    wait_for_results(application, qtbot, talk.id)
    QTest.keyClick(sidebar.search, Qt.Key.Key_Return)
    assert application.workings.shown.conversation_id == talk.id
    assert not application.workings.chat_view.sticks_to_end or application.workings.messages.rowCount() == 4


def test_arrow_keys_lead_into_the_results_and_back(application: Application, qtbot: QtBot) -> None:
    talk = put(application, qtbot, "apple pie")
    sidebar = application.window.sidebar
    sidebar.focus_search()
    QTest.keyClicks(sidebar.search, "apple")
    wait_for_results(application, qtbot, talk.id)
    QTest.keyClick(sidebar.search, Qt.Key.Key_Down)
    view = application.window.findChild(ResultsView)
    assert view is not None
    rows = view.focusWidget()
    assert rows is not None and rows.accessibleName() == "Search results"
    QTest.keyClick(rows, Qt.Key.Key_Up)
    assert sidebar.search.hasFocus()
    QTest.keyClick(sidebar.search, Qt.Key.Key_Down)
    QTest.keyClick(rows, Qt.Key.Key_Return)
    assert application.workings.shown.conversation_id == talk.id


def test_escape_in_the_search_goes_back_to_the_list(application: Application, qtbot: QtBot) -> None:
    put(application, qtbot, "apple pie")
    sidebar = application.window.sidebar
    sidebar.focus_search()
    QTest.keyClicks(sidebar.search, "nothing like it")
    assert not application.workings.conversation_view.isVisible()
    QTest.keyClick(sidebar.search, Qt.Key.Key_Escape)
    assert (sidebar.search.text(), application.workings.conversation_view.isVisible()) == ("", True)


def test_a_jump_to_a_message_of_another_branch_shows_that_branch(
    application: Application, qtbot: QtBot
) -> None:
    talk = put(application, qtbot, "First", "Answer")
    session = application.workings.sessions.open(talk.id)
    old = session.conversation.path()[-1]
    again = session.conversation.answer_again(old.id, model="")
    application.workings.message_actions.show_message(talk.id, old.id)
    assert application.workings.messages.message(1).id == old.id
    assert application.workings.messages.versions(1) == (1, 2)
    application.workings.message_actions.show_version(old.id, +1)
    assert application.workings.messages.message(1).id == again.id
    assert application.workings.messages.versions(1) == (2, 2)


def test_a_conversation_is_pinned_and_moved_by_its_menu_and_stays_so(open_window: Open, qtbot: QtBot) -> None:
    first = open_window()
    one, two = put(first, qtbot, "one"), put(first, qtbot, "two")
    view = first.workings.conversation_view
    choose(view.menu_for(one.id), "Pin")
    choose(view.menu_for(two.id), "Move to folder", "New folder")
    [folder] = first.workings.conversations.folders
    editor = view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Work")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: titles(first) == ["Pinned", "one", "Work", "two"], timeout=WAIT_MS)
    first.close()
    second = open_window()
    assert titles(second) == ["Pinned", "one", "Work", "two"]
    choose(second.workings.conversation_view.menu_for(one.id), "Unpin")
    choose(second.workings.conversation_view.menu_for(two.id), "Move to folder", "No folder")
    choose(second.workings.conversation_view.menu_for_folder(folder.id), "Remove the folder, keep its chats")
    assert titles(second) == ["Today", "two", "one"]


def test_a_folder_opens_and_closes_by_a_click(application: Application, qtbot: QtBot) -> None:
    one = put(application, qtbot, "one")
    application.workings.conversation_actions.new_folder(one.id)
    [folder] = application.workings.conversations.folders
    view = application.workings.conversation_view
    view.clicked.emit(application.workings.conversations.row_of(folder.id))
    assert titles(application) == ["New folder"]
    view.clicked.emit(application.workings.conversations.row_of(folder.id))
    assert titles(application) == ["New folder", "one"]


def test_a_deleted_conversation_comes_back_from_the_bin(application: Application, qtbot: QtBot) -> None:
    talk = put(application, qtbot, "one", "answer")
    application.workings.conversation_view.delete_requested.emit(talk.id)
    wait_for_bin(application, qtbot, 1)
    application.window.sidebar.bin_requested.emit()
    entries = application.workings.bin_list
    assert (entries.rowCount(), entries.index(0).data()) == (1, "one")
    application.workings.conversation_actions.restore(application.workings.store.bin()[0])
    assert (entries.rowCount(), titles(application)) == (0, ["Today", "one"])
    assert application.workings.shown.conversation_id == talk.id


def test_deleted_messages_come_back_by_undo_and_from_the_bin(application: Application, qtbot: QtBot) -> None:
    talk = put(application, qtbot, "one", "answer", "two", "another")
    workings = application.workings
    workings.open_conversation(talk.id)

    def texts() -> list[str]:
        return [workings.messages.message(row).text for row in range(workings.messages.rowCount())]

    choose(workings.message_actions.delete_menu(talk.path()[2].id), "Delete it and everything after it")
    assert texts() == ["one", "answer"]
    assert application.window.page.notice.text == "2 messages were moved to the bin."
    application.window.page.notice._act(0)
    assert texts() == ["one", "answer", "two", "another"]
    only = talk.path()[1].id
    choose(workings.message_actions.delete_menu(only), "Delete this message")
    assert texts() == ["one", "two", "another"]
    qtbot.waitUntil(
        lambda: [entry.message_ids for entry in workings.store.bin()] == [(only,)], timeout=WAIT_MS
    )
    workings.conversation_actions.show_bin()
    workings.conversation_actions.restore(workings.store.bin()[0])
    assert texts() == ["one", "answer", "two", "another"]


def test_the_bin_can_be_emptied(application: Application, qtbot: QtBot) -> None:
    talk = put(application, qtbot, "one")
    application.workings.conversation_view.delete_requested.emit(talk.id)
    wait_for_bin(application, qtbot, 1)
    application.workings.conversation_actions.show_bin()
    application.workings.conversation_actions.empty_bin()
    wait_for_bin(application, qtbot, 0)
    assert application.workings.bin_list.rowCount() == 0


def test_export_and_import_through_the_menus(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    talk = put(application, qtbot, "one", "answer")
    notice = application.window.page.notice

    def says(text: str) -> bool:
        return text in notice.text

    for kind, name in (("md", "Markdown…"), ("json", "JSON…")):
        path = tmp_path / f"export.{kind}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        choose(application.workings.conversation_view.menu_for(talk.id), "Export", name)
        qtbot.waitUntil(partial(says, str(path)), timeout=WAIT_MS)
    assert (tmp_path / "export.md").read_text().startswith("# one")
    assert len(json.loads((tmp_path / "export.json").read_text())["conversations"]) == 1
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "export.json"), ""))
    choose(application.window.sidebar.more_menu(), "Import chats…")
    qtbot.waitUntil(lambda: notice.text == "1 chat was imported.", timeout=WAIT_MS)
    assert titles(application) == ["Today", "one", "one"]
    notice._act(0)
    assert application.workings.shown.conversation_id != talk.id
    assert application.workings.messages.message(1).text == "answer"


def test_what_cannot_be_imported_or_exported_is_said(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    notice = application.window.page.notice
    (tmp_path / "bad.json").write_text("{}")
    application.workings.conversation_actions.import_file(tmp_path / "bad.json")
    qtbot.waitUntil(lambda: notice.text.startswith("Bad.json cannot be read"), timeout=WAIT_MS)
    nowhere = str(tmp_path / "no folder" / "a.json")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (nowhere, ""))
    application.window.sidebar.export_requested.emit()
    qtbot.waitUntil(lambda: notice.text.startswith("a.json could not be written: No such"), timeout=WAIT_MS)


def test_marks_are_counted_as_qt_counts() -> None:
    snippet = f"🎉 the {MARK_START}retort{MARK_END} and {MARK_START}旅行{MARK_END}"
    assert split_marks(snippet) == ("🎉 the retort and 旅行", [(7, 6), (18, 2)])

import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.conversations.conversation import Conversation, ConversationHeader
from app.conversations.message import Folder
from app.lists.conversation_list import ConversationList, ConversationRole

DAY = 86_400


def header(title: str, days_ago: float = 0) -> ConversationHeader:
    return replace(Conversation.new().header, title=title, updated_at=time.time() - days_ago * DAY)


def rows(conversations: ConversationList) -> list[str]:
    return [
        f"[{index.data()}]" if index.data(ConversationRole.IS_HEADING) else index.data()
        for index in (conversations.index(row) for row in range(conversations.rowCount()))
    ]


@pytest.fixture
def conversations(qtbot: QtBot) -> ConversationList:
    made = ConversationList()
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


def test_conversations_stand_under_their_dates_with_the_newest_first(conversations: ConversationList) -> None:
    conversations.set_headers(
        [
            header("long ago", 400),
            header("last month", 20),
            header("now"),
            header("last week", 5),
            header("a day ago", 1),
            header("just now", -0.00001),
        ]
    )
    assert " ".join(rows(conversations)) == (
        "[Today] just now now [Yesterday] a day ago [Previous 7 days] last week "
        f"[Previous 30 days] last month [{date.today() - timedelta(days=400):%B %Y}] long ago"
    )


def test_a_conversation_that_goes_on_moves_to_the_top(conversations: ConversationList) -> None:
    old, new = header("old", 3), header("new", 1)
    conversations.set_headers([old, new])
    conversations.put(replace(old, updated_at=time.time()))
    assert rows(conversations) == ["[Today]", "old", "[Yesterday]", "new"]


def test_a_new_title_changes_one_row_and_resets_nothing(
    conversations: ConversationList, qtbot: QtBot
) -> None:
    first, second = header("first"), header("second", 1)
    conversations.set_headers([first, second])
    changes: list[tuple[int, int]] = []
    conversations.dataChanged.connect(lambda top, bottom: changes.append((top.row(), bottom.row())))
    with qtbot.assertNotEmitted(conversations.modelReset), qtbot.assertNotEmitted(conversations.rowsInserted):
        conversations.put(replace(first, title="renamed"))
    assert changes == [(1, 1)]


def test_removing_the_last_one_of_a_day_removes_its_heading(conversations: ConversationList) -> None:
    first, second = header("first"), header("second", 1)
    conversations.set_headers([first, second])
    conversations.remove(second.id)
    assert rows(conversations) == ["[Today]", "first"]


def test_a_typed_title_is_passed_on_once(conversations: ConversationList, qtbot: QtBot) -> None:
    only = header("only")
    conversations.set_headers([only])
    with qtbot.waitSignal(conversations.renamed) as renamed:
        assert conversations.setData(conversations.row_of(only.id), "  better ")
    assert renamed.args == [only.id, "better"]
    assert rows(conversations) == ["[Today]", "better"]


def test_an_empty_title_is_refused(conversations: ConversationList, qtbot: QtBot) -> None:
    only = header("only")
    conversations.set_headers([only])
    with qtbot.assertNotEmitted(conversations.renamed):
        assert not conversations.setData(conversations.row_of(only.id), "   ")
    assert rows(conversations) == ["[Today]", "only"]


def test_headings_can_be_neither_chosen_nor_renamed(conversations: ConversationList) -> None:
    conversations.set_headers([header("only")])
    assert conversations.flags(conversations.index(0)) == Qt.ItemFlag.NoItemFlags
    assert not conversations.setData(conversations.index(0), "Tomorrow")
    assert conversations.row_of("") == QModelIndex()


def test_roles_have_names(conversations: ConversationList) -> None:
    names = {bytes(name) for name in conversations.roleNames().values()}
    assert {b"id", b"is_heading", b"folder_id"} <= names


def test_pinned_ones_come_first_then_folders_then_dates(conversations: ConversationList) -> None:
    pinned, inside, loose = header("pinned", 3), header("inside", 2), header("loose")
    conversations.set_headers(
        [replace(pinned, is_pinned=True), replace(inside, folder_id="w"), loose],
        [Folder(id="w", name="Work"), Folder(id="a", name="art")],
    )
    assert rows(conversations) == ["[Pinned]", "pinned", "art", "Work", "inside", "[Today]", "loose"]
    work = conversations.row_of("w")
    assert (work.data(ConversationRole.FOLDER_ID), work.data(ConversationRole.IS_OPEN)) == ("w", True)
    assert conversations.row_of(inside.id).data(ConversationRole.IS_INSIDE)


def test_a_closed_folder_hides_its_conversations(conversations: ConversationList) -> None:
    inside = replace(header("inside"), folder_id="w")
    conversations.set_headers([inside], [Folder(id="w", name="Work")])
    conversations.toggle_folder("w")
    assert rows(conversations) == ["Work"]
    assert not conversations.row_of(inside.id).isValid()
    conversations.toggle_folder("w")
    assert rows(conversations) == ["Work", "inside"]


def test_moving_and_pinning_change_the_place_and_are_passed_on(
    conversations: ConversationList, qtbot: QtBot
) -> None:
    only = header("only")
    conversations.set_headers([only], [Folder(id="w", name="Work")])
    with qtbot.waitSignal(conversations.moved) as moved:
        conversations.move(only.id, "w")
    assert (moved.args, rows(conversations)) == ([only.id, "w"], ["Work", "only"])
    with qtbot.waitSignal(conversations.pinned) as pinned:
        conversations.set_pinned(only.id, True)
    assert (pinned.args, rows(conversations)) == ([only.id, True], ["[Pinned]", "only", "Work"])


def test_a_folder_is_made_renamed_and_removed(conversations: ConversationList, qtbot: QtBot) -> None:
    only = header("only")
    conversations.set_headers([only])
    conversations.put_folder(Folder(id="w", name="Work"))
    conversations.move(only.id, "w")
    with qtbot.waitSignal(conversations.folder_saved) as saved:
        assert conversations.setData(conversations.row_of("w"), "Play")
    assert saved.args == [Folder(id="w", name="Play")]
    with qtbot.waitSignal(conversations.folder_removed):
        conversations.remove_folder("w")
    assert rows(conversations) == ["[Today]", "only"]
    assert conversations.header(only.id).folder_id is None


def test_a_folder_can_be_renamed_and_not_chosen(conversations: ConversationList) -> None:
    conversations.set_headers([], [Folder(id="w", name="Work")])
    flags = conversations.flags(conversations.row_of("w"))
    assert flags & Qt.ItemFlag.ItemIsEditable
    assert not flags & Qt.ItemFlag.ItemIsSelectable


def test_ten_thousand_conversations_are_grouped_quickly(conversations: ConversationList) -> None:
    headers = [header(f"title {number}", number / 30) for number in range(10_000)]
    quick = ConversationList()
    started = time.process_time()
    quick.set_headers(headers)
    quick.put(replace(headers[5000], updated_at=time.time()))
    assert time.process_time() - started < 0.6  # measured: 0.05 s
    assert quick.row_of(headers[5000].id).row() == 1

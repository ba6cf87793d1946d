import time
from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.conversations.conversation import Conversation, ConversationHeader
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
            header("long ago", 40),
            header("now"),
            header("last week", 5),
            header("a day ago", 1),
            header("just now", -0.00001),
        ]
    )
    assert " ".join(rows(conversations)) == (
        "[Today] just now now [Yesterday] a day ago [Previous 7 days] last week [Older] long ago"
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
    assert {b"conversationId", b"isHeading"} <= names

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.conversations.conversation import Conversation, Message
from app.lists.message_list import MessageList, MessageRole


@pytest.fixture
def messages(qtbot: QtBot) -> MessageList:
    made = MessageList()
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


@pytest.fixture
def path() -> list[Message]:
    conversation = Conversation.new()
    conversation.append(role="user", text="Who?")
    conversation.append(role="assistant", text="", state="streaming", model="Built-in model")
    return conversation.path()


def test_streaming_text_changes_one_row_and_resets_nothing(
    messages: MessageList, path: list[Message], qtbot: QtBot
) -> None:
    messages.show_path(path)
    rows: list[int] = []
    messages.dataChanged.connect(lambda first, _last: rows.append(first.row()))
    with qtbot.assertNotEmitted(messages.modelReset), qtbot.assertNotEmitted(messages.rowsInserted):
        for text in ("Once ", "upon "):
            messages.append_text(path[1].id, text)
        assert messages.message(1).text == "Once upon "
        messages.append_text(path[1].id, "a time")
    assert messages.message(1).text == "Once upon a time"
    assert rows == [1, 1]  # told of once until somebody reads, then again


def test_text_of_a_message_that_is_not_shown_is_ignored(
    messages: MessageList, path: list[Message], qtbot: QtBot
) -> None:
    messages.show_path(path)
    with qtbot.assertNotEmitted(messages.dataChanged):
        messages.append_text("somewhere else", "Once")
        messages.change(replace(path[0], id="somewhere else"))


def test_a_new_message_is_a_new_row(messages: MessageList, path: list[Message], qtbot: QtBot) -> None:
    messages.show_path(path[:1])
    with qtbot.waitSignal(messages.rowsInserted):
        messages.append(path[1])
    assert messages.rowCount() == 2


def test_only_the_newest_answer_waits_and_only_while_it_streams(
    messages: MessageList, path: list[Message]
) -> None:
    messages.show_path(path)
    messages.set_activity("Reading…")
    assert [messages.activity(row) for row in (0, 1)] == ["", "Reading…"]
    messages.change(replace(path[1], state="complete"))
    assert messages.activity(1) == ""


def test_every_role_says_what_the_record_says(messages: MessageList, path: list[Message]) -> None:
    messages.show_path(path, "Reading…")
    index = messages.index(1)
    said = {role: index.data(role) for role in MessageRole}
    assert said == {
        MessageRole.ID: path[1].id,
        MessageRole.SPEAKER: "assistant",
        MessageRole.STATE: "streaming",
        MessageRole.MODEL: "Built-in model",
        MessageRole.MESSAGE: path[1],
        MessageRole.ACTIVITY: "Reading…",
        MessageRole.IS_DIMMED: False,
    }
    assert messages.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "user: Who?"


def test_reasoning_grows_beside_the_text(messages: MessageList, path: list[Message]) -> None:
    messages.show_path(path)
    for text in ("First ", "this."):
        messages.append_reasoning(path[1].id, text)
    assert (messages.message(1).reasoning, messages.message(1).text) == ("First this.", "")


def test_another_branch_replaces_the_rows_from_where_it_begins(
    messages: MessageList, path: list[Message], qtbot: QtBot
) -> None:
    messages.show_path(path)
    other = [replace(path[1], id="other"), replace(path[0], id="later")]
    with qtbot.assertNotEmitted(messages.modelReset):
        messages.replace_tail(1, other)
    assert [messages.message(row).id for row in range(messages.rowCount())] == [path[0].id, "other", "later"]
    messages.replace_tail(1, [])
    assert messages.rowCount() == 1


def test_a_message_says_which_of_its_versions_it_is(messages: MessageList, path: list[Message]) -> None:
    messages.show_path(path)
    assert messages.versions(1) == (1, 1)
    messages.set_versions(path[1].id, 2, 3)
    assert messages.versions(1) == (2, 3)
    messages.show_path(path)
    assert messages.versions(1) == (1, 1)


def test_messages_above_the_first_that_fits_are_dimmed(messages: MessageList, path: list[Message]) -> None:
    messages.show_path(path)
    assert [messages.is_dimmed(row) for row in (0, 1)] == [False, False]
    messages.set_first_kept(path[1].id)
    assert [messages.is_dimmed(row) for row in (0, 1)] == [True, False]
    messages.set_first_kept("")
    assert not messages.is_dimmed(0)

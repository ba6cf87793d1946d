"""Links without a mouse: keys go from one to the next, and a screen reader finds each of them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.chat_view.accessible_view import install
from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList

TEXT = """See [the article](https://example.org/a) first, never [this](javascript:alert(1)).

| where | what |
|---|---|
| [table](https://example.org/t) | x |

- and [apple.com](https://example.org/trap)
"""
NAMES = ["the article", "table", "apple.com"]


@pytest.fixture
def linked(view: ChatView, messages: MessageList) -> ChatView:
    conversation = Conversation.new()
    conversation.append(role="user", text="Where?")
    conversation.append(role="assistant", text=TEXT, model="m")
    messages.show_path(conversation.path())
    view.setFocus()
    return view


def press(view: ChatView, key: Qt.Key, times: int = 1) -> None:
    for _ in range(times):
        QTest.keyClick(view, key)


def test_right_goes_through_the_links_of_a_message_and_round(linked: ChatView) -> None:
    marked = []
    for _ in range(4):
        press(linked, Qt.Key.Key_Right)
        marked.append(linked.selection.plain_text())
    assert marked == [*NAMES, "the article"]
    press(linked, Qt.Key.Key_Left)
    assert linked.selection.plain_text() == "apple.com"
    assert linked.current_row == 1


def test_enter_opens_the_marked_link(linked: ChatView, qtbot: QtBot) -> None:
    press(linked, Qt.Key.Key_Right, 2)
    with qtbot.waitSignal(linked.link_clicked) as opened:
        press(linked, Qt.Key.Key_Return)
    assert opened.args == ["https://example.org/t"]


def test_enter_asks_about_a_link_that_may_not_be_what_it_seems(linked: ChatView, qtbot: QtBot) -> None:
    press(linked, Qt.Key.Key_Left)
    with qtbot.assertNotEmitted(linked.link_clicked):
        press(linked, Qt.Key.Key_Return)
    (dialog,) = linked.findChildren(QDialog)
    dialog.reject()


def test_without_a_marked_link_the_keys_mean_what_they_meant(linked: ChatView) -> None:
    press(linked, Qt.Key.Key_Right)
    press(linked, Qt.Key.Key_Escape)
    assert linked.selection.is_empty
    press(linked, Qt.Key.Key_Up, 2)
    assert linked.current_row == 0
    press(linked, Qt.Key.Key_Right)  # the question has no links
    assert linked.selection.is_empty


def test_every_link_is_in_the_tree_with_its_name_and_where_it_leads(linked: ChatView) -> None:
    install()
    tree = QAccessible.queryAccessibleInterface(linked)
    assert tree is not None
    item = tree.child(1)
    links = [item.child(number) for number in range(item.childCount())]
    assert [link.role() for link in links] == [QAccessible.Role.Link] * 3
    assert [link.text(QAccessible.Text.Name) for link in links] == NAMES
    assert links[1].text(QAccessible.Text.Value) == "https://example.org/t"
    assert links[1].parent() == item
    assert item.indexOfChild(links[1]) == 1
    press(linked, Qt.Key.Key_Right)
    assert [bool(link.state().focused) for link in links] == [True, False, False]
    place = links[0].rect().center()
    assert item.childAt(place.x(), place.y()).text(QAccessible.Text.Name) == "the article"
    linked.messages.replace_tail(1, [])
    assert not links[0].isValid()

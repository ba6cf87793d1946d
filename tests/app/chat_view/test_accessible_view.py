from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

from app.chat_view.accessible_view import install, name_of
from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList


@pytest.fixture
def tree(view: ChatView, messages: MessageList) -> Iterator[QAccessibleInterface]:
    install()
    conversation = Conversation.new()
    for number in range(25):
        conversation.append(role="user", text=f"Question {number}\nwith more")
        conversation.append(role="assistant", text=f"Answer *{number}*", model="m")
    messages.show_path(conversation.path())
    found = QAccessible.queryAccessibleInterface(view)
    assert found is not None
    yield found


def items(tree: QAccessibleInterface) -> list[QAccessibleInterface]:
    children = [tree.child(number) for number in range(tree.childCount())]
    return [child for child in children if child.role() == QAccessible.Role.ListItem]


def test_the_conversation_is_a_list_of_its_messages(tree: QAccessibleInterface) -> None:
    assert tree.role() == QAccessible.Role.List
    assert tree.text(QAccessible.Text.Name) == "Conversation"
    names = [item.text(QAccessible.Text.Name) for item in items(tree)]
    assert len(names) == 50
    assert names[:2] == ["You, 1 of 50, Question 0 with more", "Answer, 2 of 50, Answer *0*"]


def test_an_item_has_the_whole_text_and_knows_its_list(tree: QAccessibleInterface) -> None:
    item = items(tree)[1]
    assert item.text(QAccessible.Text.Value) == "Answer *0*"
    assert item.parent() == tree
    assert tree.indexOfChild(item) == 1
    assert item.state().readOnly


def test_items_in_sight_are_where_they_are_seen(tree: QAccessibleInterface, view: ChatView) -> None:
    last = items(tree)[49]
    assert not last.state().offscreen
    assert items(tree)[0].state().offscreen
    found = tree.childAt(last.rect().center().x(), last.rect().center().y())
    assert found.text(QAccessible.Text.Name) == last.text(QAccessible.Text.Name)


def test_the_item_at_the_keyboard_has_the_focus(tree: QAccessibleInterface, view: ChatView) -> None:
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Up)
    focused = tree.focusChild()
    assert focused is not None
    assert focused.text(QAccessible.Text.Name).startswith("Answer, 50 of 50")
    assert focused.state().focused


def test_an_item_outlives_its_message_without_harm(tree: QAccessibleInterface, messages: MessageList) -> None:
    item = items(tree)[40]
    messages.replace_tail(2, [])
    assert not item.isValid()
    assert item.text(QAccessible.Text.Name) == ""
    assert len(items(tree)) == 2


def test_long_and_failed_messages_have_short_names() -> None:
    message = Conversation.new().append(role="assistant", text="word " * 5000, state="failed")
    name = name_of(message, 0, 1)
    assert name.startswith("Answer, 1 of 1, failed. word word")
    assert len(name) < 120


def test_every_button_over_the_conversation_has_a_name(view: ChatView) -> None:
    buttons = view.findChildren(QAbstractButton)
    assert len(buttons) > 15
    assert all(button.accessibleName() for button in buttons)

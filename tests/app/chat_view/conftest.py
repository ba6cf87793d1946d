"""A chat view with a list of messages, shown without a screen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from app.chat_view.chat_view import ChatView
from app.chat_view.formulas import Formulas
from app.chat_view.look import Look
from app.lists.message_list import MessageList
from app.theme.theme import Theme
from engine.contract.typesetting import Typeset

SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">'
    '<rect width="40" height="30" fill="red"/></svg>'
)


class SquareSetter(QObject):
    """Sets every formula as a square of 40 × 30 pixels, once it is told to."""

    typeset_ready = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = True
        self.asked: list[str] = []

    def typeset(self, tex: str, size_px: float, colour: str, display: bool) -> Typeset | None:
        self.asked.append(tex)
        if tex == "\\broken":
            return Typeset(error="no such command")
        return Typeset(svg=SQUARE, width=40, height=30, baseline=10) if self.is_ready else None


@pytest.fixture
def setter() -> SquareSetter:
    return SquareSetter()


@pytest.fixture
def look(theme: Theme, setter: SquareSetter) -> Look:
    return Look(theme, Formulas(setter))


@pytest.fixture
def messages() -> MessageList:
    return MessageList()


@pytest.fixture
def view(messages: MessageList, theme: Theme, setter: SquareSetter, qtbot: QtBot) -> Iterator[ChatView]:
    view = ChatView(messages, theme, typesetter=setter)
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    qtbot.waitExposed(view)
    yield view

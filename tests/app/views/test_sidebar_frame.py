"""The sidebar beside the rest of the window, and over it where there is no room."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.theme.theme import Theme
from app.views.sidebar_frame import SidebarFrame


@pytest.fixture
def sidebar() -> QWidget:
    return QWidget()


@pytest.fixture
def rest() -> QWidget:
    return QWidget()


@pytest.fixture
def frame(sidebar: QWidget, rest: QWidget, theme: Theme, qtbot: QtBot) -> SidebarFrame:
    frame = SidebarFrame(sidebar, rest, theme)
    qtbot.addWidget(frame)
    frame.resize(1200, 800)
    frame.show()
    return frame


def test_it_is_beside_the_rest_and_makes_room_when_it_is_hidden(
    frame: SidebarFrame, sidebar: QWidget, rest: QWidget
) -> None:
    assert (sidebar.width(), rest.x(), rest.width()) == (256, 256, 944)
    frame.toggle()
    assert (sidebar.isVisible(), rest.x(), rest.width()) == (False, 0, 1200)


def test_in_a_narrow_window_it_is_over_the_rest_only_when_it_is_called(
    frame: SidebarFrame, sidebar: QWidget, rest: QWidget
) -> None:
    frame.resize(480, 700)
    assert (sidebar.isVisible(), rest.width()) == (False, 480)
    frame.toggle()
    assert (sidebar.isVisible(), rest.width(), frame.covers_rest) == (True, 480, True)
    beside = frame.childAt(QPoint(470, 300))
    assert beside is not None
    QTest.mouseClick(beside, Qt.MouseButton.LeftButton)
    assert not sidebar.isVisible()


def test_what_is_wanted_comes_back_with_the_room(frame: SidebarFrame, sidebar: QWidget) -> None:
    frame.resize(480, 700)
    frame.toggle()
    frame.resize(1200, 700)
    assert frame.is_wanted
    assert sidebar.isVisible()
    frame.resize(480, 700)
    assert not sidebar.isVisible()


def test_it_grows_with_the_text_but_leaves_the_rest_most_of_the_window(
    frame: SidebarFrame, sidebar: QWidget, theme: Theme
) -> None:
    theme.choose_font_scale(200)
    assert sidebar.width() == 360
    frame.resize(1900, 800)
    assert sidebar.width() == 512
    frame.resize(480, 700)
    frame.toggle()
    assert sidebar.width() == 432

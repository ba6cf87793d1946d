"""A user who has a keyboard and nothing else: every key goes to what has the focus."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from tests.support.window import WAIT_MS

Key, Modifier = Qt.Key, Qt.KeyboardModifier
CTRL, SHIFT, PLAIN = Modifier.ControlModifier, Modifier.ShiftModifier, Modifier.NoModifier
MOST_STOPS = 80  # of Tab on one page


class Keyboard:
    """Presses keys, and looks at where the focus is; never touches a widget."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot

    @property
    def focus(self) -> QWidget:
        """What the next key goes to."""
        widget = QApplication.activePopupWidget() or QApplication.focusWidget()
        assert widget is not None, "nothing has the focus"
        inside = widget.focusWidget()
        return inside if widget.isWindow() and inside is not None else widget

    @property
    def at(self) -> str:
        """The name of what has the focus."""
        return self.focus.accessibleName()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = PLAIN, times: int = 1) -> None:
        """Press a key, as the window system passes it on."""
        for _ in range(times):
            window = QGuiApplication.focusWindow()
            assert window is not None, "no window has the focus"
            QTest.keyClick(window, key, modifiers)
            QApplication.processEvents()

    def press_menu_key(self) -> None:
        """Press the key for context menus, of which a display without a screen makes none by itself."""
        focus = self.focus
        place = focus.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle).center()
        reason = QContextMenuEvent.Reason.Keyboard
        QApplication.sendEvent(focus, QContextMenuEvent(reason, place, focus.mapToGlobal(place)))

    def type(self, text: str) -> None:
        """Type."""
        for letter in text:
            window = QGuiApplication.focusWindow()
            assert window is not None, "no window has the focus"
            QTest.keyClick(window, letter)  # type: ignore[call-overload]  # the stubs forget it

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        self._qtbot.waitUntil(condition, timeout=WAIT_MS)

    def tab_to(self, name: str, *, back: bool = False) -> None:
        """Press Tab until what has this name has the focus."""
        passed: list[str] = []
        while self.at != name:
            assert len(passed) < MOST_STOPS, f"Tab does not lead to “{name}”: {passed}"
            passed.append(self.at)
            self.press(Key.Key_Backtab if back else Key.Key_Tab, SHIFT if back else PLAIN)

    def choose(self, *entries: str) -> None:
        """Go to an entry of the menu that is open, through submenus where several are named."""
        for number, entry in enumerate(entries):
            menu = self._open_menu()
            for _ in range(len(menu.actions()) + 1):
                action = menu.activeAction()
                if action is not None and action.text() == entry:
                    break
                self.press(Key.Key_Down)
            else:
                raise AssertionError(f"no “{entry}” in {[action.text() for action in menu.actions()]}")
            self.press(Key.Key_Right if number < len(entries) - 1 else Key.Key_Return)

    def _open_menu(self) -> QMenu:
        self.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        return menu

"""A field that takes one press of keys, and what stands for it before a screen reader.

Qt gives its own field no role and no value.
"""

from functools import cache

import shiboken6
from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleInterface, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAccessibleWidget, QKeySequenceEdit, QWidget

from app.shortcuts import native_keys


class KeysField(QKeySequenceEdit):
    """Takes one press of keys."""

    keys_pressed = Signal(str)  # empty: none are wanted

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMaximumSequenceLength(1)
        self.setClearButtonEnabled(False)
        self.setFinishingKeyCombinations([QKeyCombination()])
        self.editingFinished.connect(self._tell)
        self._shown = QKeySequence()

    def show_keys(self, keys: tuple[str, ...]) -> None:
        """Show the first of a command's keys, and all of them as a tip."""
        self._shown = QKeySequence.fromString(keys[0]) if keys else QKeySequence()
        self.setKeySequence(self._shown)
        self.setToolTip("   ".join(native_keys(one) for one in keys))

    def event(self, event: QEvent) -> bool:
        """Tab leaves the field, which Qt's own would take for a key that is wanted."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            held = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
            if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and not held:
                return self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
        return super().event(event)

    def _tell(self) -> None:
        pressed = self.keySequence()
        if pressed == self._shown:
            return
        is_removal = pressed == QKeySequence("Backspace")
        self.keys_pressed.emit("" if is_removal else pressed.toString())


class AccessibleKeysField(QAccessibleWidget):
    """A field for keys, with the keys as its value."""

    def __init__(self, field: KeysField) -> None:
        super().__init__(field, QAccessible.Role.HotkeyField, field.accessibleName())
        self._field = field

    def text(self, kind: QAccessible.Text) -> str:
        """The keys as this platform writes them; the rest as for every widget."""
        if kind == QAccessible.Text.Value and shiboken6.isValid(self._field):
            return self._field.keySequence().toString(QKeySequence.SequenceFormat.NativeText)
        return super().text(kind)

    def childCount(self) -> int:
        """None: the line in Qt's field gives its focus to the field."""
        return 0


@cache
def install() -> None:
    """Let Qt ask for what stands for every field from now on; once in a process."""
    kept: dict[int, AccessibleKeysField] = {}  # Qt holds no reference of Python's

    def make(_class_name: str, thing: QObject) -> QAccessibleInterface | None:
        if not isinstance(thing, KeysField):
            return None
        key = id(thing)
        thing.destroyed.connect(lambda: kept.pop(key, None))
        kept[key] = AccessibleKeysField(thing)
        return kept[key]

    QAccessible.installFactory(make)

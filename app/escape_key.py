"""Who gets Escape: before the window takes it as its shortcut, Qt asks what has the focus."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent


def asks_for_escape(event: QEvent) -> bool:
    """Whether this is Qt's question; whoever accepts the event gets the key press."""
    return (
        event.type() == QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and event.key() == Qt.Key.Key_Escape
    )

"""What a screen reader is told: which message the keyboard has come to, and that an answer is complete."""

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleEvent
from PySide6.QtWidgets import QWidget

from app.conversations.conversation import Message
from app.translation import tr


def tell_focus(view: QWidget, row: int) -> None:
    """The keyboard is at another message."""
    if QAccessible.isActive():
        event = QAccessibleEvent(view, QAccessible.Event.Focus)
        event.setChild(row)
        QAccessible.updateAccessibility(event)


def tell_end(view: QWidget, message: Message) -> None:
    """An answer has ended; said when nothing else is being read."""
    if QAccessible.isActive() and message.role == "assistant":
        words = tr("The answer has failed") if message.state == "failed" else tr("The answer is complete")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(view, words))

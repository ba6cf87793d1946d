"""One message as plain text in a window of its own, to be read with a caret or a screen reader."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from app.conversations.conversation import Message
from app.theme.theme import Theme
from app.translation import format_number, tr

LONGEST = 500_000  # characters; a longer message is cut here, and says so


class MessageReader(QDialog):
    """The message as it was written; it can be read and copied, not changed."""

    def __init__(self, message: Message, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(
            tr("Your message") if message.role == "user" else tr("Answer of {model}", model=message.model)
        )
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByKeyboard | Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self.text.setFont(theme.fonts.body)
        self.text.setAccessibleName(tr("Message"))
        shown = message.text[:LONGEST]
        rest = len(message.text) - len(shown)
        self.text.setPlainText(
            shown + ("\n" + tr("… {count} more characters", count=format_number(rest)) if rest else "")
        )
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.resize(720, 520)
        self.text.setFocus()

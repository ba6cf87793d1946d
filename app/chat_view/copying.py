"""What goes to the clipboard, and how the view says that it is there."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

from app.chat_view.block_layout import BlockLayout

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView

COPIED_MS = 1500  # how long a button says so


class Copying(QObject):
    """Copies the selection, a message, or the code of a block."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self._code: BlockLayout | None = None  # whose button says Copied
        self._timer = QTimer(self, singleShot=True, interval=COPIED_MS)
        self._timer.timeout.connect(self.forget)

    def copy_selection(self, *, is_plain: bool = False) -> None:
        """Copy what is selected: as it was written, or as it is read."""
        selection = self._view.selection
        text = selection.plain_text() if is_plain else selection.source()
        if text:
            QGuiApplication.clipboard().setText(text)

    def copy_message(self, row: int) -> None:
        """Copy a whole message, as it was written."""
        message = self._view.messages.message(row)
        QGuiApplication.clipboard().setText(message.text)
        self._say(None, message.id)

    def copy_code(self, code: BlockLayout) -> None:
        """Copy the code of a block."""
        QGuiApplication.clipboard().setText(code.text)
        self._say(code, "")

    def forget(self) -> None:
        """The buttons look as always."""
        self._timer.stop()
        if self._code is not None:
            self._code.show_copied(is_copied=False)
            self._code = None
            self._view.viewport().update()
        for actions in self._view.action_rows.all:
            actions.flash_copied(is_copied=False)

    def _say(self, code: BlockLayout | None, message_id: str) -> None:
        self.forget()
        self._code = code
        if code is not None:
            code.show_copied(is_copied=True)
            self._view.viewport().update()
        for actions in self._view.action_rows.all:
            actions.flash_copied(is_copied=actions.message_id == message_id)
        self._timer.start()

"""The small buttons under a message: real ones, so that they have names, focus and tooltips."""

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.conversations.conversation import Message
from app.theme.theme import Theme
from app.translation import tr

BUTTON_SIZE, ICON_SIZE = 26, 16


class MessageActions(QWidget):
    """Shows what can be done with one message, and says what was asked for."""

    copy_requested = Signal(str)  # message id, as in all of these
    regenerate_requested = Signal(str)
    edit_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    more_requested = Signal(str)
    version_requested = Signal(str, int)  # and one back or one forward

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icons: list[tuple[QToolButton, str]] = []
        self.message_id = ""
        self.setAccessibleName(tr("Actions for this message"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._previous = self._button("chevron-left", tr("Previous version"))
        self._versions = QLabel(self)
        self._versions.setTextFormat(Qt.TextFormat.PlainText)
        theme.give_font(self._versions, "small")
        self._versions.setProperty("tone", "secondary")
        layout.addWidget(self._versions)
        self._next = self._button("chevron-right", tr("Next version"))
        self._previous.clicked.connect(lambda: self.version_requested.emit(self.message_id, -1))
        self._next.clicked.connect(lambda: self.version_requested.emit(self.message_id, 1))
        self._copy = self._connected("copy", tr("Copy message"), self.copy_requested)
        self._edit = self._connected("rename", tr("Edit message"), self.edit_requested)
        self._continue = self._connected("continue", tr("Continue the answer"), self.continue_requested)
        self._regenerate = self._connected(
            "regenerate", tr("Regenerate the answer"), self.regenerate_requested
        )
        self._delete = self._connected("delete", tr("Delete message"), self.delete_requested)
        self._more = self._connected("more", tr("More"), self.more_requested)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        theme.changed.connect(self._dress)
        self._dress()
        self.hide()

    def show_for(self, message: Message, position: int, count: int) -> None:
        """Show the buttons of a message; `position` of `count` versions is the one that is shown."""
        self.message_id = message.id
        is_users = message.role == "user"
        has_versions = count > 1
        for widget in (self._previous, self._versions, self._next):
            widget.setVisible(has_versions)
        self._versions.setText(f"{position}/{count}")
        self._versions.setAccessibleName(tr("Version {position} of {count}", position=position, count=count))
        self._previous.setEnabled(position > 1)
        self._next.setEnabled(position < count)
        self._edit.setVisible(is_users)
        self._regenerate.setVisible(not is_users)
        was_cut = message.state in ("interrupted",) or message.stats.finish_reason in ("cancelled", "length")
        self._continue.setVisible(not is_users and was_cut)
        self.adjustSize()
        self.show()

    def flash_copied(self, *, is_copied: bool) -> None:
        """Say on the button that the message is on the clipboard."""
        name = "check" if is_copied else "copy"
        self._copy.setIcon(self._theme.icons.icon(name, self._theme.tokens.secondary))

    def _connected(self, icon: str, name: str, signal: SignalInstance) -> QToolButton:
        button = self._button(icon, name)
        button.clicked.connect(lambda: signal.emit(self.message_id))
        return button

    def _button(self, icon: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setToolTip(name)
        self._theme.give_icon_size(button, ICON_SIZE)
        button.setProperty("shape", "small")
        layout = self.layout()
        assert layout is not None
        layout.addWidget(button)
        self._icons.append((button, icon))
        return button

    def _dress(self) -> None:
        tokens = self._theme.tokens
        side = self._theme.scaled(BUTTON_SIZE)
        for button, icon in self._icons:
            button.setFixedSize(side, side)
            button.setIcon(self._theme.icons.icon(icon, tokens.secondary, tokens.line))

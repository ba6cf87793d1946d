"""The chips above the message: what goes with it, each to be removed or turned back into text."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.conversations.message import Attachment
from app.theme.theme import Theme
from app.translation import format_number, tr

LONGEST_NAME = 40


class AttachmentChips(QWidget):
    """Hidden while there is none."""

    changed = Signal()
    text_wanted = Signal(str)  # an attachment that becomes text of the message again

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._attachments: list[Attachment] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 6)
        self._column.setSpacing(4)
        theme.changed.connect(self._rebuild)
        self.hide()

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """What goes with the message."""
        return tuple(self._attachments)

    def set_attachments(self, attachments: Iterable[Attachment]) -> None:
        """Show these and no others."""
        self._attachments = list(attachments)
        self._rebuild()
        self.changed.emit()

    def add(self, attachment: Attachment) -> None:
        """Add one."""
        self.set_attachments([*self._attachments, attachment])

    def _remove(self, attachment: Attachment) -> None:
        self.set_attachments([other for other in self._attachments if other is not attachment])

    def _turn_into_text(self, attachment: Attachment) -> None:
        self._remove(attachment)
        self.text_wanted.emit(attachment.text)

    def _rebuild(self) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for attachment in self._attachments:
            self._column.addWidget(self._chip(attachment), 0, Qt.AlignmentFlag.AlignLeft)
        self.setVisible(bool(self._attachments))

    def _chip(self, attachment: Attachment) -> QFrame:
        chip = QFrame(self)
        chip.setObjectName("chip")
        tokens, icons = self._theme.tokens, self._theme.icons
        icon = QLabel(chip)
        icon.setPixmap(icons.pixmap("document", tokens.secondary, 16, self.devicePixelRatioF()))
        name = QLabel(_shortened(attachment.name), chip)
        size = QLabel(tr("{count} characters", count=format_number(len(attachment.text))), chip)
        size.setProperty("tone", "secondary")
        for label in (name, size):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setFont(self._theme.fonts.small)
        name.setToolTip(attachment.text[:600])
        as_text = self._button("rename", tr("Turn {name} into text", name=attachment.name), chip)
        as_text.clicked.connect(lambda: self._turn_into_text(attachment))
        remove = self._button("close", tr("Remove {name}", name=attachment.name), chip)
        remove.clicked.connect(lambda: self._remove(attachment))
        row = QHBoxLayout(chip)
        row.setContentsMargins(10, 3, 4, 3)
        row.setSpacing(8)
        for widget in (icon, name, size, as_text, remove):
            row.addWidget(widget)
        return chip

    def _button(self, icon: str, name: str, parent: QWidget) -> QToolButton:
        button = QToolButton(parent)
        button.setIcon(self._theme.icons.icon(icon, self._theme.tokens.secondary))
        self._theme.give_icon_size(button, 14)
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"

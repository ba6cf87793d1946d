"""The composer: where a message is typed and gets its attachments; its button sends, or stops the answer."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.attachments import AttachmentRefused, pasted_text, read_attachment
from app.conversations.message import Draft
from app.theme.theme import Theme
from app.translation import tr
from app.views.attachment_chips import AttachmentChips
from app.views.context_gauge import ContextGauge
from app.views.message_field import MessageField

SEND_SIZE = 34


class Composer(QFrame):
    """Emits what the user wants; whoever listens decides what happens with the text."""

    submitted = Signal(object)  # Draft
    stop_requested = Signal()
    answer_now_requested = Signal()
    attach_requested = Signal()
    refused = Signal(str)  # why something could not be attached
    changed = Signal()  # what would be sent is another text now

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self._theme = theme
        self._is_answering = False
        self.field = MessageField(theme, self)
        self.chips = AttachmentChips(theme, self)
        self.gauge = ContextGauge(theme, self)
        self._attach = QToolButton(self)
        self._attach.setAccessibleName(tr("Attach text files"))
        self._attach.setToolTip(tr("Attach text files"))
        theme.give_icon_size(self._attach, 18)
        self._attach.clicked.connect(self.attach_requested)
        self._send = QToolButton(self)
        self._send.setObjectName("send")
        theme.give_icon_size(self._send, 20)
        self._send.setCursor(Qt.CursorShape.PointingHandCursor)
        self._send.clicked.connect(self._press)
        self._answer_now = QToolButton(self)
        self._answer_now.setText(tr("Answer now"))
        self._answer_now.setToolTip(tr("End the thinking here and write the answer"))
        self._answer_now.clicked.connect(self.answer_now_requested)
        self._answer_now.hide()
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(self._attach)
        below.addStretch()
        below.addWidget(self.gauge)
        below.addWidget(self._answer_now)
        below.addWidget(self._send)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 10, 10)
        layout.setSpacing(4)
        layout.addWidget(self.chips)
        layout.addWidget(self.field)
        layout.addLayout(below)
        self.setFocusProxy(self.field)
        self._wire()
        self._show_state()

    @property
    def text(self) -> str:
        """What is typed and not sent."""
        return self.field.toPlainText()

    @text.setter
    def text(self, text: str) -> None:
        self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.text.strip() and not self.chips.attachments

    @property
    def written(self) -> str:
        """All that would be sent, as one text."""
        blocks = (attachment.as_block for attachment in self.chips.attachments)
        return "\n\n".join([*blocks, self.text]).strip()

    @property
    def draft(self) -> Draft:
        """All that is written and not sent."""
        return Draft(text=self.text, attachments=self.chips.attachments)

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self.text = draft.text
        self.chips.set_attachments(draft.attachments)

    def attach_files(self, paths: Sequence[str]) -> None:
        """Attach the text of files; of those that cannot be, say why."""
        refusals = []
        for path in paths:
            try:
                self.chips.add(read_attachment(Path(path)))
            except AttachmentRefused as refusal:
                refusals.append(str(refusal))
        if refusals:
            self.refused.emit(" ".join(refusals))
        self.setFocus()

    def set_answering(self, is_answering: bool) -> None:
        """Turn the button into Stop and back."""
        self._is_answering = is_answering
        self._show_state()

    def set_reasoning(self, is_reasoning: bool) -> None:
        """Offer to end the reasoning while there is any."""
        self._answer_now.setVisible(is_reasoning)

    def set_model_name(self, name: str) -> None:
        """Say in the empty field who is going to answer."""
        self.field.setPlaceholderText(tr("Message {name}…", name=name))

    def set_context(self, used: int, length: int, *, is_estimate: bool = False) -> None:
        """Show how much of the context length the conversation takes; zeros show nothing."""
        self.gauge.show_tokens(used, length, is_estimate=is_estimate)

    def _wire(self) -> None:
        self.field.submitted.connect(self._submit)
        self.field.textChanged.connect(self._note_change)
        self.field.focus_changed.connect(self._show_focus)
        self.field.long_text_pasted.connect(self._attach_paste)
        self.field.files_pasted.connect(self.attach_files)
        self.chips.changed.connect(self._note_change)
        self.chips.text_wanted.connect(self.field.insertPlainText)
        self._theme.changed.connect(self._show_state)

    def _attach_paste(self, text: str) -> None:
        names = {attachment.name for attachment in self.chips.attachments}
        self.chips.add(pasted_text(_free_name(tr("Pasted text"), names), text))

    def _press(self) -> None:
        if self._is_answering:
            self.stop_requested.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        if not self._is_answering and not self.is_empty:
            self.submitted.emit(Draft(text=self.text.strip(), attachments=self.chips.attachments))

    def _note_change(self) -> None:
        self._show_state()
        self.changed.emit()

    def _show_state(self) -> None:
        tokens, icons = self._theme.tokens, self._theme.icons
        side = self._theme.scaled(SEND_SIZE)
        self._send.setFixedSize(side, side)
        icon, name = ("stop", tr("Stop")) if self._is_answering else ("send", tr("Send"))
        self._send.setIcon(icons.icon(icon, tokens.on_accent, tokens.secondary))
        self._send.setAccessibleName(name)
        self._send.setToolTip(tr("Stop the answer (Esc)") if self._is_answering else tr("Send (Enter)"))
        self._send.setEnabled(self._is_answering or not self.is_empty)
        self._attach.setIcon(icons.icon("attach", tokens.secondary))

    def _show_focus(self, has_focus: bool) -> None:
        self.setProperty("focused", has_focus)
        self.style().unpolish(self)
        self.style().polish(self)


def _free_name(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free

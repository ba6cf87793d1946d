"""The composer: where a message is typed. It grows with its text; its button sends, or stops the answer."""

from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QTextEdit, QToolButton, QVBoxLayout, QWidget

from app.theme.theme import Theme

MOST_LINES = 8
SEND_SIZE = 34


class Composer(QFrame):
    """Emits what the user wants; whoever listens decides what happens with the text."""

    submitted = Signal(str)
    stop_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self._theme = theme
        self._is_answering = False
        self.field = MessageField(theme, self)
        self.field.submitted.connect(self._submit)
        self.field.textChanged.connect(self._show_state)
        self.field.focus_changed.connect(self._show_focus)
        self._context = QLabel(self)
        self._context.setProperty("tone", "secondary")
        self._context.setFont(theme.fonts.small)
        self._context.setToolTip("Tokens of this conversation, and how many the model has room for")
        self._send = QToolButton(self)
        self._send.setObjectName("send")
        self._send.setFixedSize(SEND_SIZE, SEND_SIZE)
        self._send.setIconSize(QSize(20, 20))
        self._send.setCursor(Qt.CursorShape.PointingHandCursor)
        self._send.clicked.connect(self._press)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addStretch()
        below.addWidget(self._context)
        below.addWidget(self._send)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 10, 10)
        layout.setSpacing(4)
        layout.addWidget(self.field)
        layout.addLayout(below)
        self.setFocusProxy(self.field)
        theme.changed.connect(self._show_state)
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

    def set_answering(self, is_answering: bool) -> None:
        """Turn the button into Stop and back."""
        self._is_answering = is_answering
        self._show_state()

    def set_model_name(self, name: str) -> None:
        """Say in the empty field who is going to answer."""
        self.field.setPlaceholderText(f"Message {name}…")

    def set_context(self, used: int, length: int) -> None:
        """Show how much of the context length the conversation takes; zeros show nothing."""
        self._context.setText(f"{used:,} / {length:,}" if used and length else "")

    def _press(self) -> None:
        if self._is_answering:
            self.stop_requested.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        if not self._is_answering and self.text.strip():
            self.submitted.emit(self.text.strip())

    def _show_state(self) -> None:
        tokens = self._theme.tokens
        icon, name = ("stop", "Stop") if self._is_answering else ("send", "Send")
        self._send.setIcon(self._theme.icons.icon(icon, tokens.on_accent, tokens.secondary))
        self._send.setAccessibleName(name)
        self._send.setToolTip("Stop the answer (Esc)" if self._is_answering else "Send (Enter)")
        self._send.setEnabled(self._is_answering or bool(self.text.strip()))

    def _show_focus(self, has_focus: bool) -> None:
        self.setProperty("focused", has_focus)
        self.style().unpolish(self)
        self.style().polish(self)


class MessageField(QTextEdit):
    """Plain text; Enter submits, except while an input method composes, and Shift+Enter starts a line."""

    submitted = Signal()
    focus_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_composing = False
        self.setAcceptRichText(False)
        self.setFont(theme.fonts.body)
        self.setAccessibleName("Message")
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Submit on Enter."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        starts_line = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if is_enter and self._is_composing:
            event.ignore()
        elif is_enter and not starts_line:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Note whether an input method has text that is not final yet."""
        self._is_composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the frame around."""
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell the frame around; what was being composed is final now."""
        self._is_composing = False
        super().focusOutEvent(event)
        self.focus_changed.emit(False)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take text; files are for the window."""
        return source.hasText() and not source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste as plain text."""
        self.insertPlainText(source.text())

    def _grow(self) -> None:
        margins = 2 * round(self.document().documentMargin())
        line = self.fontMetrics().lineSpacing()
        wanted = round(self.document().size().height())
        most = MOST_LINES * line + margins
        self.setFixedHeight(min(max(wanted, line + margins), most))
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if wanted > most else policy.ScrollBarAlwaysOff
        )

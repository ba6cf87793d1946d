"""The field in which a message is typed: plain text that grows with its lines."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QInputMethodEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.attachments import LONG_PASTE
from app.theme.theme import Theme
from app.translation import tr

MOST_LINES = 8


class MessageField(QTextEdit):
    """Plain text; Enter submits, except while an input method composes; Shift+Enter starts a line."""

    submitted = Signal()
    focus_changed = Signal(bool)
    long_text_pasted = Signal(str)
    files_pasted = Signal(list)  # paths

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_composing = False
        self.sends_with_ctrl = False
        self.setAcceptRichText(False)
        self.setAccessibleName(tr("Message"))
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(2)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        theme.give_font(self, "body")
        theme.changed.connect(self._grow)
        self._grow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Submit on Enter."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        has_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        starts_line = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        starts_line |= self.sends_with_ctrl and not has_ctrl
        if is_enter and self._is_composing:
            event.ignore()
        elif is_enter and not starts_line:
            self.submitted.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.paste_clipboard()
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
        """Take text; files that are dropped are for the window."""
        return source.hasText() and not source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste as plain text; a long text and files become attachments."""
        paths = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
        if paths:
            self.files_pasted.emit(paths)
        elif len(source.text()) > LONG_PASTE:
            self.long_text_pasted.emit(source.text())
        else:
            self.insertPlainText(source.text())

    def paste_clipboard(self) -> None:
        """What a paste outside the field does: files too, which `paste` refuses."""
        self.insertFromMimeData(QGuiApplication.clipboard().mimeData())

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

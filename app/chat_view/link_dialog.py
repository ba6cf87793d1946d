"""The question before a link is opened that may not lead where it seems to."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from app.chat_view.inline_text import without_bidi_controls
from app.chat_view.link_policy import is_allowed
from app.translation import tr


class LinkDialog(QDialog):
    """Shows the whole address; cancelling is what Enter does."""

    def __init__(self, target: str, doubt: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Open this link?"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        layout = QVBoxLayout(self)
        for words in (doubt, without_bidi_controls(target)):
            label = QLabel(self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setText(words)
            layout.addWidget(label)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        open_it = buttons.addButton(tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
        open_it.setAutoDefault(False)
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)
        self._target = target

    def ask(self, open_it: Callable[[str], None]) -> None:
        """Ask without waiting; the address is opened if the user wants that and it may be opened at all."""
        self.accepted.connect(lambda: open_it(self._target) if is_allowed(self._target) else None)
        self.open()

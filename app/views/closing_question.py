"""What is asked when the window is to close while the disk is full: what waits would be lost."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.translation import mark, tr

JSON_FILES = mark("Chats (*.json)")
WIDTH = 520


class ClosingQuestion(QDialog):
    """Keep the window open, close it and lose what waits, or write that elsewhere first."""

    close_wanted = Signal()
    copy_wanted = Signal(str)  # path

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Not everything is saved"))
        self.setFixedWidth(theme.scaled(WIDTH))
        self._words = QLabel(
            tr(
                "What was said last cannot be saved: the disk takes nothing now. It is kept in memory "
                "as long as this window is open. Make room and it is saved at once, or save a copy on "
                "another disk, which can be imported again later."
            ),
            self,
        )
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setWordWrap(True)
        keep = self._button(tr("Keep open"))
        keep.setDefault(True)
        keep.clicked.connect(self.reject)
        lose = self._button(tr("Close and lose it"))
        lose.clicked.connect(self.close_wanted)
        copy = self._button(tr("Save a copy elsewhere…"))
        copy.clicked.connect(self._ask_where)
        below = QHBoxLayout()
        below.addWidget(lose)
        below.addStretch()
        below.addWidget(copy)
        below.addWidget(keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(18)
        layout.addWidget(self._words)
        layout.addLayout(below)
        keep.setFocus()

    def tell_refusal(self, reason: str) -> None:
        """Say why the copy could not be written; the question stays."""
        self._words.setText(
            tr("The copy could not be written: {reason}. Choose another place.", reason=reason)
        )

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, tr("Save a copy"), "chats.json", tr(JSON_FILES))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.copy_wanted)
        dialog.open()

    def _button(self, name: str) -> QPushButton:
        button = QPushButton(name, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(name)
        button.setAutoDefault(False)
        return button

"""The crash report, to be read before anything is done with it. Nothing is ever sent."""

import shutil
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import tr


class CrashDialog(QDialog):
    """The whole text, and what can be done with it: copy, save, delete, or leave it where it is."""

    def __init__(self, report: Path, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Report of the unexpected end"))
        self.resize(QSize(theme.scaled(720), theme.scaled(560)))
        self._report = report
        words = QLabel(
            tr(
                "This is everything that was noted. It stays on this computer: Retort sends nothing. "
                "If you want to report the fault, copy the text and take out what is private."
            ),
            self,
        )
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Report"))
        theme.give_font(self.text, "code")
        self.text.setPlainText(report.read_text(encoding="utf-8", errors="replace"))
        below = QHBoxLayout()
        for name, action in (
            (tr("Copy"), self.copy),
            (tr("Save as…"), self._ask_where),
            (tr("Delete"), self.delete),
        ):
            below.addWidget(self._button(name, action))
        below.addStretch()
        close = self._button(tr("Close"), self.accept)
        close.setDefault(True)
        below.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(14)
        layout.addWidget(words)
        layout.addWidget(self.text, 1)
        layout.addLayout(below)

    def copy(self) -> None:
        """Put the text on the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def save_as(self, path: str) -> None:
        """Keep a copy of the report elsewhere."""
        shutil.copyfile(self._report, path)

    def delete(self) -> None:
        """Delete the report for good, and close."""
        self._report.unlink(missing_ok=True)
        self.accept()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, tr("Save the report"), self._report.name)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save_as)
        dialog.open()

    def _button(self, name: str, action: object) -> QPushButton:
        button = QPushButton(name, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(name)
        button.setAutoDefault(False)
        button.clicked.connect(action)
        return button

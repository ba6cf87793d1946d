"""The log: the end of what the window and the engine have noted, and the reports of unexpected ends."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit

from app.crash_report import crash_reports, last_lines
from app.theme.theme import Theme
from app.translation import tr
from app.views.crash_dialog import CrashDialog
from app.views.settings.section import Section

SHOWN_LINES = 1000


class LogSection(Section):
    """Read anew whenever it is shown, or at the press of a button."""

    def __init__(self, folder: Path, theme: Theme) -> None:
        super().__init__(tr("Log"), theme)
        self._folder = folder
        logs = [(tr("Window"), "window.log"), (tr("Engine"), "host.log")]
        self.which = self.choice(logs, "window.log")
        self.which.setAccessibleName(tr("Which log"))
        self.which.activated.connect(self.refresh)
        again, copy, open_folder = (
            self.button(text) for text in (tr("Read again"), tr("Copy"), tr("Open folder"))
        )
        again.clicked.connect(self.refresh)
        copy.clicked.connect(self.copy)
        open_folder.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        self.add_controls(self.which)
        self.add_controls(again, copy, open_folder)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Log"))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        theme.give_font(self.text, "code")
        self.text.setMinimumHeight(theme.scaled(380))
        self.add(self.text)
        self._reports = self.add_text("")
        self._read = self.button(tr("Read the newest report"))
        self._read.clicked.connect(self.show_newest_report)
        self.add(self._read)
        self.column.setAlignment(self._read, Qt.AlignmentFlag.AlignLeft)
        self.refresh()

    def refresh(self) -> None:
        """Read the log and look for reports."""
        lines = last_lines(self._folder / str(self.which.currentData()), SHOWN_LINES)
        self.text.setPlainText("\n".join(lines) or tr("Nothing has been noted."))
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())
        has_reports = bool(crash_reports(self._folder))
        self._reports.setText(
            tr("There are reports of unexpected ends.")
            if has_reports
            else tr("Retort has not ended unexpectedly.")
        )
        self._read.setVisible(has_reports)

    def copy(self) -> None:
        """Put what is shown on the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def show_newest_report(self) -> None:
        """Show the newest report of an unexpected end."""
        reports = crash_reports(self._folder)
        if reports:
            dialog = CrashDialog(reports[0], self.theme, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.finished.connect(self.refresh)
            dialog.open()

"""Closing while jobs run: they are finished without the window, or stop with it.

Finishing keeps this process and its host alive without a window; starting Retort again shows the window.
"""

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.engine_link.model_choice import ModelChoice
from app.lists.job_list import JobList
from app.theme.theme import Theme
from app.translation import tr

WIDTH = 540
Wish = Literal["", "finish", "stop"]


class JobClosing(QObject):
    """Says whether the window may close now; if not, asks, and does what is wanted."""

    def __init__(
        self,
        *,
        jobs: JobList,
        choice: ModelChoice,
        window: QWidget,
        theme: Theme,
        close: Callable[[], object],
    ) -> None:
        """`close` closes the window, which asks `may_close` again."""
        super().__init__(window)
        self._jobs, self._choice, self._window, self._theme, self._close = jobs, choice, window, theme, close
        self._wish: Wish = ""
        self.question: JobQuestion | None = None
        jobs.busy_changed.connect(self._follow)
        window.installEventFilter(self)

    @property
    def is_finishing(self) -> bool:
        """Whether the window has gone and the jobs go on."""
        return self._wish == "finish"

    def may_close(self) -> bool:
        """Whether no job would be lost by it, or the user gives them up; asks where neither is so."""
        if self._wish == "stop" or not self._jobs.is_busy:
            return True
        if self.question is None and not self.is_finishing:
            self._ask()
        return False

    def finish(self) -> None:
        """Put the window away and end when the last job has."""
        self._wish = "finish"
        QApplication.setQuitOnLastWindowClosed(False)
        for model in self._choice.in_memory:  # nobody can ask them anything now
            self._choice.eject(model)
        self._window.hide()

    def stop(self) -> None:
        """Close now; what makes files is begun again by the next window."""
        self._wish = "stop"
        self._close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window comes back: everything is as it was before it was to close."""
        if watched is self._window and event.type() == QEvent.Type.Show and self.is_finishing:
            self._wish = ""
            QApplication.setQuitOnLastWindowClosed(True)
        return super().eventFilter(watched, event)

    def _follow(self, is_busy: bool) -> None:
        if not is_busy and self.is_finishing:
            QApplication.setQuitOnLastWindowClosed(True)
            self._close()
            QApplication.quit()

    def _ask(self) -> None:
        question = JobQuestion(self._theme, self._window)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.finished.connect(self._forget)
        question.finish_wanted.clicked.connect(lambda: self._answer(self.finish))
        question.stop_wanted.clicked.connect(lambda: self._answer(self.stop))
        self.question = question
        question.open()

    def _answer(self, do: Callable[[], None]) -> None:
        if self.question is not None:
            self.question.accept()
        do()

    def _forget(self) -> None:
        self.question = None


class JobQuestion(QDialog):
    """Finish without a window, stop, or stay."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("The workbench is still busy"))
        self.setFixedWidth(theme.scaled(WIDTH))
        words = QLabel(
            tr(
                "Jobs can be finished without the window: Retort ends by itself when they are done, and "
                "opening it again shows them. If it closes now, they stop; conversions and quantizations "
                "start over the next time, and no model is harmed."
            ),
            self,
        )
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.stay = self._button(tr("Keep open"))
        self.stay.clicked.connect(self.reject)
        self.stop_wanted = self._button(tr("Stop and close"))
        self.finish_wanted = self._button(tr("Finish without the window"))
        self.finish_wanted.setProperty("shape", "primary")
        self.finish_wanted.setDefault(True)
        below = QHBoxLayout()
        below.addWidget(self.stop_wanted)
        below.addStretch()
        below.addWidget(self.stay)
        below.addWidget(self.finish_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(18)
        layout.addWidget(words)
        layout.addLayout(below)
        self.finish_wanted.setFocus()

    def _button(self, name: str) -> QPushButton:
        button = QPushButton(name, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(name)
        button.setAutoDefault(False)
        return button

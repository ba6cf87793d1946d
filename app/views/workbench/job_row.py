"""One job of the queue: what it does, where it stands, and what can be done with it."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QToolButton, QVBoxLayout, QWidget

from app.lists.job_list import JobEntry
from app.theme.theme import Theme
from app.translation import tr
from engine.contract.jobs import ConvertResult, QualityCard, QuantizeResult


class JobRow(QFrame):
    """Shows an entry; tells which button was pressed."""

    cancel_requested = Signal(str)  # job id
    move_requested = Signal(str, int)  # job id, places up the queue
    again_requested = Signal(str)
    dismiss_requested = Signal(str)
    show_requested = Signal(str)  # what it has made

    def __init__(self, job_id: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job_id = job_id
        self._theme = theme
        self.setObjectName("jobRow")
        self.title = self._label()
        theme.give_font(self.title, "strong")
        self.words = self._label()
        theme.give_font(self.words, "small")
        self.words.setWordWrap(True)
        self.bar = QProgressBar(self)
        self.bar.setObjectName("jobProgress")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.up = self._button("chevron-up", lambda: self.move_requested.emit(job_id, 1))
        self.down = self._button("chevron-down", lambda: self.move_requested.emit(job_id, -1))
        self.cancel = self._button("stop", lambda: self.cancel_requested.emit(job_id))
        self.show_result = self._button("open", lambda: self.show_requested.emit(job_id))
        self.again = self._button("regenerate", lambda: self.again_requested.emit(job_id))
        self.dismiss = self._button("close", lambda: self.dismiss_requested.emit(job_id))
        self._lay_out()
        theme.changed.connect(self._dress)
        self._dress()

    def show_entry(self, entry: JobEntry, *, can_rise: bool, can_sink: bool) -> None:
        """Show where the job stands now."""
        record = entry.record
        self.title.setText(entry.title)
        self.words.setText(entry.words)
        tone = "bad" if record.state == "failed" else "secondary"
        if self.words.property("tone") != tone:
            self.words.setProperty("tone", tone)
            self.words.style().polish(self.words)
        self.bar.setValue(round(1000 * entry.fraction))
        self.bar.setAccessibleName(tr("Progress of {job}", job=entry.title))
        self.bar.setVisible(record.state == "running")
        waits = record.state == "waiting"
        has_made = isinstance(record.result, QuantizeResult | ConvertResult | QualityCard)
        for button, name, is_there in (
            (self.up, tr("Earlier: {job}", job=entry.title), waits and can_rise),
            (self.down, tr("Later: {job}", job=entry.title), waits and can_sink),
            (self.cancel, tr("Cancel: {job}", job=entry.title), not entry.is_over),
            (self.show_result, tr("Show the result: {job}", job=entry.title), has_made),
            (self.again, tr("Once more: {job}", job=entry.title), record.state in ("failed", "cancelled")),
            (self.dismiss, tr("Take off the list: {job}", job=entry.title), entry.is_over),
        ):
            button.setAccessibleName(name)
            button.setToolTip(name)
            button.setVisible(is_there)

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.setSpacing(4)
        above.addWidget(self.title, 1)
        for button in (self.up, self.down, self.show_result, self.again, self.cancel, self.dismiss):
            above.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 8, 10)
        column.setSpacing(5)
        column.addLayout(above)
        column.addWidget(self.bar)
        column.addWidget(self.words)

    def _label(self) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setMinimumWidth(80)
        return label

    def _button(self, icon: str, act: object) -> QToolButton:
        button = QToolButton(self)
        button.setIconSize(QSize(18, 18))
        button.setProperty("icon_name", icon)
        button.clicked.connect(act)
        return button

    def _dress(self) -> None:
        for button in self.findChildren(QToolButton):
            name = button.property("icon_name")
            button.setIcon(self._theme.icons.icon(name, self._theme.tokens.secondary))

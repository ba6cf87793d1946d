"""The workbench: one model, what is to be made of it, the queue of jobs, and what was measured."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import tr
from app.views.notice import Notice
from app.views.workbench.form import Form
from app.views.workbench.jobs_box import JobsBox
from app.views.workbench.model_box import ModelBox
from app.views.workbench.quality_box import QualityBox

WIDE = 1180  # from here on jobs and measurements stand beside the model
COLUMN_WIDTH = 860


class BenchPage(QWidget):
    """Lays the parts out; what they mean for each other is `BenchControl`'s."""

    closed = Signal()
    model_dropped = Signal(str)  # path

    def __init__(
        self,
        *,
        model: ModelBox,
        forms: dict[str, Form],
        jobs: JobsBox,
        quality: QualityBox,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        """`forms` are the tabs by what they are called, in their order."""
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._theme = theme
        self.model, self.forms, self.jobs, self.quality = model, forms, jobs, quality
        self.notice = Notice(theme, self)
        self.back = QToolButton(self)
        self.back.setAccessibleName(tr("Back to the chat"))
        self.back.setToolTip(tr("Back to the chat"))
        self.back.setIconSize(QSize(20, 20))
        self.back.clicked.connect(self.closed)
        self.tabs = QTabBar(self)
        self.tabs.setObjectName("benchTabs")
        self.tabs.setAccessibleName(tr("What to do"))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for name in forms:
            self.tabs.addTab(name)
        self.tabs.currentChanged.connect(self._show_form)
        self._lay_out()
        self.setFocusProxy(model)
        QApplication.instance().focusChanged.connect(self._keep_in_sight)  # type: ignore[union-attr]
        theme.changed.connect(self._dress)
        self._dress()
        self._show_form(0)

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        form = list(self.forms.values())[self.tabs.currentIndex()]
        return (
            self.back,
            self.notice,
            *self.model.in_order,
            self.tabs,
            *form.in_order,
            *self.jobs.in_order,
            self.quality,
        )

    def allow_forms(self, allowed: tuple[Form, ...]) -> None:
        """Let these be chosen, and show the first of them if the one that is shown is not among them."""
        forms = list(self.forms.values())
        for at, form in enumerate(forms):
            self.tabs.setTabEnabled(at, form in allowed)
        if allowed and forms[self.tabs.currentIndex()] not in allowed:
            self.tabs.setCurrentIndex(forms.index(allowed[0]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns where there is room for them."""
        super().resizeEvent(event)
        self._arrange()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a model file or a folder."""
        if _dropped_model(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Put the model that was dropped on the bench."""
        path = _dropped_model(event)
        if path:
            event.acceptProposedAction()
            self.model_dropped.emit(path)

    def _show_form(self, at: int) -> None:
        """Show a form; the others take no room."""
        for number, form in enumerate(self.forms.values()):
            form.setVisible(number == at)

    def _lay_out(self) -> None:
        title = QLabel(tr("Workbench"), self)
        title.setTextFormat(Qt.TextFormat.PlainText)
        self._theme.give_font(title, "strong")
        above = QHBoxLayout()
        above.setContentsMargins(14, 10, 14, 6)
        above.setSpacing(8)
        above.addWidget(self.back)
        above.addWidget(title)
        above.addStretch()
        self._left, self._right = QVBoxLayout(), QVBoxLayout()
        for column in (self._left, self._right):
            column.setSpacing(16)
        make = QWidget(self)
        making = QVBoxLayout(make)
        making.setContentsMargins(0, 0, 0, 0)
        making.setSpacing(14)
        making.addWidget(self.tabs)
        for form in self.forms.values():
            making.addWidget(form)
        self._left.addWidget(self._card("", self.model))
        self._left.addWidget(self._card("", make))
        self._right.addWidget(self._card(tr("Jobs"), self.jobs))
        self._right.addWidget(self._card(tr("Quality"), self.quality))
        self._left.addStretch()
        self._right.addStretch()
        self._inside = QWidget(self)
        self._columns = QHBoxLayout(self._inside)
        self._columns.setContentsMargins(20, 8, 20, 24)
        self._columns.setSpacing(16)
        self._columns.addStretch(1)
        self._columns.addLayout(self._left, 1000)
        self._columns.addLayout(self._right, 1000)
        self._columns.addStretch(1)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(above)
        noticed = QHBoxLayout()
        noticed.setContentsMargins(20, 0, 20, 8)
        noticed.addWidget(self.notice)
        layout.addLayout(noticed)
        layout.addWidget(self._area, 1)

    def _card(self, title: str, content: QWidget) -> QFrame:
        card = QFrame(self)
        card.setObjectName("benchCard")
        column = QVBoxLayout(card)
        column.setContentsMargins(18, 14, 18, 16)
        column.setSpacing(10)
        if title:
            label = QLabel(title, card)
            label.setTextFormat(Qt.TextFormat.PlainText)
            self._theme.give_font(label, "strong")
            column.addWidget(label)
        column.addWidget(content)
        return card

    def _arrange(self) -> None:
        """Beside each other, or one below the other."""
        is_wide = self.width() >= self._theme.scaled(WIDE)
        self._columns.setDirection(
            QHBoxLayout.Direction.LeftToRight if is_wide else QHBoxLayout.Direction.TopToBottom
        )
        widest = self._theme.scaled(2 * COLUMN_WIDTH if is_wide else COLUMN_WIDTH)
        margin = max(20, (self.width() - widest) // 2)
        self._columns.setContentsMargins(margin, 8, margin, 24)

    def _keep_in_sight(self, _before: QWidget | None, now: QWidget | None) -> None:
        """What the keyboard comes to is scrolled to."""
        if now is not None and self._inside.isAncestorOf(now):
            self._area.ensureWidgetVisible(now, 20, 60)

    def _dress(self) -> None:
        self.back.setIcon(self._theme.icons.icon("back", self._theme.tokens.secondary))
        self._arrange()


def _dropped_model(event: QDropEvent) -> str:
    """The path of a GGUF file or a checkpoint's folder in a drop; empty for anything else."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    if len(paths) != 1 or not paths[0]:
        return ""
    path = Path(paths[0])
    is_model = (path / "config.json").is_file() or path.suffix.lower() == ".gguf"
    return str(path.absolute()) if is_model else ""

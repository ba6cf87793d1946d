"""Beneath the list of models: what other applications keep, what did not arrive whole, what was removed."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMessageBox, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine_link.library_stock import LibraryStock
from app.theme.theme import Theme
from app.translation import format_bytes, tr, tr_count
from app.views.plain_label import plain_label
from engine.contract.bin_messages import BinnedModel
from engine.contract.elsewhere_messages import ElsewhereModel, OtherApplication
from engine.contract.unfinished_messages import UnfinishedDownload

ROWS_HEIGHT = 168
MAX_ROWS = 50
APPLICATIONS: dict[OtherApplication, str] = {
    "lm-studio": "LM Studio", "ollama": "Ollama", "jan": "Jan", "gpt4all": "GPT4All",
    "llama.cpp": "llama.cpp", "hugging-face": "Hugging Face",
}  # fmt: skip
_Action = tuple[str, str, Callable[[], object]]  # on the button, how it is spoken, what it does


class StockPanel(QWidget):
    """One line for each kind of which there is any; a click shows what it consists of."""

    go_on_requested = Signal(object)  # UnfinishedDownload

    def __init__(self, stock: LibraryStock, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stock = stock
        self._shelves = [Shelf(theme, self) for _ in range(3)]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        for shelf in self._shelves:
            layout.addWidget(shelf)
        stock.changed.connect(self._show)
        self._show()

    @property
    def shelves(self) -> "tuple[Shelf, ...]":
        """Other applications' models, unfinished downloads, the bin."""
        return tuple(self._shelves)

    def _show(self) -> None:
        elsewhere, unfinished, removed = self._shelves
        found, halves, binned = self._stock.elsewhere, self._stock.unfinished, self._stock.binned
        elsewhere.show_rows(
            tr_count(len(found), "{count} in another application", "{count} in other applications"),
            sum(one.size_bytes for one in found),
            [(_elsewhere_words(one), self._elsewhere_actions(one)) for one in found],
            (tr("All"), tr("List all here; their files stay where they are"), self._adopt_all),
        )
        unfinished.show_rows(
            tr_count(len(halves), "{count} unfinished download", "{count} unfinished downloads"),
            sum(one.disk_bytes for one in halves),
            [(_unfinished_words(one), self._unfinished_actions(one)) for one in halves],
            (tr("Delete all…"), tr("Delete all unfinished downloads…"), self._ask_drop_all),
        )
        removed.show_rows(
            tr_count(len(binned), "{count} removed model", "{count} removed models"),
            sum(one.size_bytes for one in binned),
            [(_binned_words(one), self._binned_actions(one)) for one in binned],
            (tr("Empty the bin…"), tr("Empty the bin…"), self._ask_empty),
        )

    def _elsewhere_actions(self, one: ElsewhereModel) -> list[_Action]:
        spoken = tr("List {name} here", name=one.name)
        return [(tr("List here"), spoken, lambda: self._stock.adopt((one.path,)))]

    def _unfinished_actions(self, one: UnfinishedDownload) -> list[_Action]:
        name = one.model or one.file
        delete: _Action = (
            tr("Delete…"), tr("Delete what arrived of {name}…", name=name), lambda: self._ask_drop(one)
        )  # fmt: skip
        go_on: _Action = (
            tr("Go on"), tr("Go on with {title}", title=name), lambda: self.go_on_requested.emit(one)
        )  # fmt: skip
        return [go_on, delete] if one.model else [delete]

    def _binned_actions(self, one: BinnedModel) -> list[_Action]:
        spoken = tr("Restore {name}", name=one.name)
        return [(tr("Restore"), spoken, lambda: self._stock.restore(one.entry))]

    def _adopt_all(self) -> None:
        self._stock.adopt(tuple(one.path for one in self._stock.elsewhere))

    def _ask_drop(self, one: UnfinishedDownload) -> None:
        size = format_bytes(one.disk_bytes)
        if self._is_sure(
            tr("Delete what arrived of {name} ({size})?", name=one.model or one.file, size=size)
        ):
            self._stock.drop((one.file,))

    def _ask_drop_all(self) -> None:
        halves = self._stock.unfinished
        size = format_bytes(sum(one.disk_bytes for one in halves))
        if self._is_sure(tr("Delete all unfinished downloads ({size})?", size=size)):
            self._stock.drop(tuple(one.file for one in halves))

    def _ask_empty(self) -> None:
        binned = self._stock.binned
        size = format_bytes(sum(one.size_bytes for one in binned))
        if self._is_sure(tr("Delete all removed models for good ({size})?", size=size)):
            self._stock.empty_bin(tuple(one.entry for one in binned))

    def _is_sure(self, question: str) -> bool:
        box = QMessageBox(QMessageBox.Icon.Warning, "Retort", question, parent=self.window())
        delete = box.addButton(tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is delete


class Shelf(QFrame):
    """A line that opens; hidden while there is nothing on it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._head = QPushButton(self)
        self._head.setProperty("shape", "link")
        self._head.setCheckable(True)
        self._head.toggled.connect(self._open)
        self._all = QPushButton(self)
        self._all.setProperty("shape", "link")
        self._all.clicked.connect(self._act_on_all)
        self._do_all: Callable[[], object] = lambda: None
        self._words = ""
        self._rows = QScrollArea(self)
        self._rows.setFrameShape(QFrame.Shape.NoFrame)
        self._rows.setWidgetResizable(True)
        self._rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows.setMaximumHeight(theme.scaled(ROWS_HEIGHT))
        across = QHBoxLayout()
        across.addWidget(self._head)
        across.addStretch(1)
        across.addWidget(self._all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(across)
        layout.addWidget(self._rows)
        self._open(False)

    @property
    def text(self) -> str:
        """What the line says, empty while it is hidden."""
        return self._words if not self.isHidden() else ""

    @property
    def head(self) -> QPushButton:
        """Opens it."""
        return self._head

    def show_rows(
        self, words: str, size_bytes: int, rows: Iterable[tuple[str, list[_Action]]], for_all: _Action
    ) -> None:
        """Say what there is; no rows hide the line."""
        rows = list(rows)
        self.setVisible(bool(rows))
        self._words = f"{words}, {format_bytes(size_bytes)}" if size_bytes else words
        self._head.setAccessibleName(self._words)
        self._show_head()
        self._rows.setAccessibleName(words)
        text, spoken, self._do_all = for_all
        self._all.setText(text)
        self._all.setAccessibleName(spoken)
        self._all.setToolTip(spoken)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(10, 0, 4, 4)
        column.setSpacing(4)
        for said, actions in rows[:MAX_ROWS]:
            column.addLayout(self._row(inside, said, actions))
        column.addStretch(1)
        self._rows.setWidget(inside)
        if not rows:
            self._head.setChecked(False)

    def _show_head(self) -> None:
        self._head.setText(f"{'▾' if self._head.isChecked() else '▸'} {self._words}")

    def _act_on_all(self) -> None:
        self._do_all()

    def _row(self, inside: QWidget, said: str, actions: list[_Action]) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(plain_label(inside, self._theme, said, "small", tone="secondary", wraps=True), 1)
        for text, spoken, act in actions:
            button = QPushButton(text, inside)
            button.setProperty("shape", "link")
            button.setAccessibleName(spoken)
            button.setToolTip(spoken)
            button.clicked.connect(lambda _checked=False, act=act: act())
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return line

    def _open(self, is_open: bool) -> None:
        self._show_head()
        self._rows.setVisible(is_open)
        self._all.setVisible(is_open)


def _elsewhere_words(one: ElsewhereModel) -> str:
    return f"{one.name} · {APPLICATIONS[one.application]} · {format_bytes(one.size_bytes)}"


def _unfinished_words(one: UnfinishedDownload) -> str:
    name = PurePosixPath(one.model or one.file).name
    if not one.size_bytes:
        return tr("{name}: {size} of an unknown model", name=name, size=format_bytes(one.disk_bytes))
    percent = round(100 * one.arrived_bytes / one.size_bytes)
    return tr("{name}: {percent} % of {size}", name=name, percent=percent, size=format_bytes(one.size_bytes))


def _binned_words(one: BinnedModel) -> str:
    days = tr_count(round(one.days_left), "{count} day left", "{count} days left")
    return (
        f"{one.name} · {format_bytes(one.size_bytes)} · {days}" if one.size_bytes else f"{one.name} · {days}"
    )

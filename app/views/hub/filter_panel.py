"""Which models are shown: one box for each thing that they can be chosen by."""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QGridLayout, QPushButton, QWidget

from app.found_model import FoundModel
from app.model_facts import short_count
from app.model_filter import COUNTS, SIZES, Bounds, ModelFilter
from app.theme.theme import Theme
from app.translation import format_bytes, mark, tr

ROOM_NAMES = {
    "any": mark("Any"), "fits": mark("Fits now"), "possible": mark("Fits, if need be with less open"),
}  # fmt: skip
CELL_WIDTH = 190  # a box needs about so much


class FilterPanel(QFrame):
    """Emits the filter whenever it changes."""

    changed = Signal(object)  # ModelFilter

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filterPanel")
        self._theme = theme
        self._room = self._box(tr("Memory"), [(tr(text), key) for key, text in ROOM_NAMES.items()])
        self._size = self._box(tr("Size"), _steps(SIZES, format_bytes))
        self._parameters = self._box(tr("Parameters"), _steps(COUNTS, short_count))
        self._active = self._box(tr("Active parameters"), _steps(COUNTS, short_count))
        self._architecture = self._box(tr("Architecture"), [(tr("Any"), "")])
        self._quantization = self._box(tr("Quantization"), [(tr("Any"), "")])
        self._license = self._box(tr("Licence"), [(tr("Any"), "")])
        self._experts = self._switch(tr("Mixtures of experts only"))
        self._mtp = self._switch(tr("With MTP only"))
        self._distilled = self._switch(tr("Distilled only"))
        self._reset = QPushButton(tr("Show all"), self)
        self._reset.setProperty("shape", "link")
        self._reset.setAccessibleName(tr("Show all"))
        self._reset.clicked.connect(self.reset)
        self._cells: list[QWidget] = [
            self._room, self._size, self._parameters, self._active, self._architecture, self._quantization,
            self._license, self._experts, self._mtp, self._distilled, self._reset,
        ]  # fmt: skip
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(12, 10, 12, 10)
        self._grid.setSpacing(8)
        self._columns = 0

    @property
    def filter(self) -> ModelFilter:
        """What is chosen now."""
        return ModelFilter(
            room=self._room.currentData(),
            size=SIZES[self._size.currentIndex()],
            parameters=COUNTS[self._parameters.currentIndex()],
            active=COUNTS[self._active.currentIndex()],
            architecture=self._architecture.currentData(),
            quantization=self._quantization.currentData(),
            license=self._license.currentData(),
            only_experts=self._experts.isChecked(),
            only_mtp=self._mtp.isChecked(),
            only_distilled=self._distilled.isChecked(),
        )

    def offer(self, models: Iterable[FoundModel]) -> None:
        """Offer the architectures, quantizations and licences that these models have."""
        models = list(models)
        _refill(self._architecture, {model.architecture for model in models})
        _refill(self._quantization, {one for model in models for one in model.quantizations})
        _refill(self._license, {model.license for model in models})

    def reset(self) -> None:
        """Let everything through."""
        for box in self.findChildren(QComboBox):
            box.setCurrentIndex(0)
        for switch in self.findChildren(QCheckBox):
            switch.setChecked(False)
        self.changed.emit(self.filter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many beside each other as have room."""
        super().resizeEvent(event)
        columns = max(self.width() // self._theme.scaled(CELL_WIDTH), 1)
        if columns != self._columns:
            self._columns = columns
            for number, cell in enumerate(self._cells):
                self._grid.addWidget(cell, number // columns, number % columns)

    def _box(self, name: str, entries: Sequence[tuple[str, object]]) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(name)
        for text, value in entries:
            box.addItem(f"{name}: {text}", value)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        box.activated.connect(lambda _index: self.changed.emit(self.filter))
        return box

    def _switch(self, text: str) -> QCheckBox:
        switch = QCheckBox(text, self)
        switch.setAccessibleName(text)
        switch.setMinimumHeight(self._theme.scaled(28))
        switch.clicked.connect(lambda _on: self.changed.emit(self.filter))
        return switch


def _steps(bounds: Sequence[Bounds], write: Callable[[int], str]) -> list[tuple[str, object]]:
    """Each range in words."""
    return [(_step(low, high, write), None) for low, high in bounds]


def _step(low: float, high: float, write: Callable[[int], str]) -> str:
    if not low and high == float("inf"):
        return tr("Any")
    if not low:
        return tr("up to {most}", most=write(int(high)))
    if high == float("inf"):
        return tr("over {least}", least=write(int(low)))
    return tr("{least} to {most}", least=write(int(low)), most=write(int(high)))


def _refill(box: QComboBox, values: Iterable[str]) -> None:
    """Offer these, and keep what is chosen if it is among them."""
    name, chosen = box.accessibleName(), box.currentData()
    while box.count() > 1:
        box.removeItem(1)
    for value in sorted(filter(None, values), key=str.casefold):
        box.addItem(f"{name}: {value}", value)
    box.setCurrentIndex(max(box.findData(chosen, Qt.ItemDataRole.UserRole), 0))

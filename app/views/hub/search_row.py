"""The row above the list: what to look for, in which order, and the filter's switch."""

from typing import get_args

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.escape_key import asks_for_escape
from app.model_filter import CATALOGUE_SORTINGS, HUB_SORTINGS, Sorting
from app.theme.theme import Theme
from app.translation import mark, tr
from engine.contract.hub_messages import SearchOrder

SORTING_NAMES: dict[Sorting, str] = {
    "room": mark("By memory"),
    "name": mark("By name"),
    "size": mark("Smallest first"),
    "parameters": mark("Fewest parameters first"),
    "downloads": mark("Most downloads"),
    "likes": mark("Most likes"),
    "updated": mark("Newest"),
    "trending": mark("Trending"),
}
ORDERS: tuple[SearchOrder, ...] = get_args(SearchOrder)


class SearchRow(QWidget):
    """Typing narrows what is listed here; Enter, or the button, asks the hub."""

    words_changed = Signal(str)
    search_requested = Signal(str)
    sorting_changed = Signal(str)  # Sorting
    filter_toggled = Signal(bool)
    left_down = Signal()  # Down in the field

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.field = _Field(self)
        self.field.setPlaceholderText(tr("Search the catalogue, or Hugging Face with Enter"))
        self.field.setAccessibleName(tr("Search models"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self.words_changed)
        self.field.returnPressed.connect(self._search)
        self.field.left_down.connect(self.left_down)
        self.ask = QPushButton(tr("Search Hugging Face"), self)
        self.ask.setProperty("shape", "raised")
        self.ask.setAccessibleName(tr("Search Hugging Face"))
        self.ask.clicked.connect(self._search)
        self.sorting = QComboBox(self)
        self.sorting.setAccessibleName(tr("Order"))
        self.sorting.activated.connect(lambda _index: self.sorting_changed.emit(self.sorting.currentData()))
        self.filter = QPushButton(tr("Filter"), self)
        self.filter.setProperty("shape", "raised")
        self.filter.setCheckable(True)
        self.filter.setAccessibleName(tr("Filter"))
        self.filter.toggled.connect(self.filter_toggled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.field, 1)
        layout.addWidget(self.ask)
        layout.addWidget(self.sorting)
        layout.addWidget(self.filter)
        self._offers_hub = True
        self.offer_sortings(is_hub=False)
        theme.changed.connect(self._dress)
        self._dress()

    def offer_sortings(self, *, is_hub: bool) -> None:
        """Offer the orders that make sense for the catalogue, or for what a search found."""
        if is_hub == self._offers_hub:
            return
        self._offers_hub = is_hub
        self.sorting.clear()
        for sorting in HUB_SORTINGS if is_hub else CATALOGUE_SORTINGS:
            self.sorting.addItem(tr(SORTING_NAMES[sorting]), sorting)

    def set_narrow(self, is_narrow: bool) -> None:
        """Leave out the button where Enter has to do."""
        self.ask.setVisible(not is_narrow)

    def _search(self) -> None:
        self.search_requested.emit(self.field.text().strip())

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self.filter.setIcon(icons.icon("filter", tokens.text))
        self.ask.setIcon(icons.icon("network", tokens.accent))


class _Field(QLineEdit):
    """Passes Down on to the list."""

    left_down = Signal()

    def event(self, event: QEvent) -> bool:
        """Escape is for what was typed before it is for the page."""
        if asks_for_escape(event) and self.text():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down leads into the list, Escape empties the field first."""
        if event.key() == Qt.Key.Key_Down:
            self.left_down.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

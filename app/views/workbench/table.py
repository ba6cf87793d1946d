"""A small table that is read only: every cell can be reached by keys and is heard with its column."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from app.theme.theme import Theme

ROW_HEIGHT = 30


class BenchTable(QTableWidget):
    """As high as its rows, up to a limit; the rest scrolls."""

    def __init__(self, name: str, theme: Theme, max_rows: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._max_rows = max_rows
        self._wide = 0  # the column that gets the room that is left
        self.setObjectName("benchTable")
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(theme.scaled(60))
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        theme.changed.connect(self._fit)

    def show_rows(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        numbers: Sequence[int] = (),
        wide: int = 0,
    ) -> None:
        """Show these; columns in `numbers` stand at the right, the column `wide` gets the room left."""
        self.clear()
        self.setColumnCount(len(columns))
        self.setRowCount(len(rows))
        self.setHorizontalHeaderLabels(list(columns))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column in numbers:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
        self._wide = wide
        if rows and self.currentRow() < 0:
            self.setCurrentCell(0, 0)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow table needs room for its scroll bar."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        height = self._theme.scaled(ROW_HEIGHT)
        for row in range(self.rowCount()):
            self.setRowHeight(row, height)
        shown = min(self.rowCount(), self._max_rows)
        header, bar = self.horizontalHeader(), self.horizontalScrollBar()
        self.resizeColumnsToContents()
        left = self.viewport().width() - header.length()
        if left > 0 and self.columnCount():
            self.setColumnWidth(self._wide, self.columnWidth(self._wide) + left)
        is_cut = header.length() > self.viewport().width()
        below = bar.sizeHint().height() if is_cut else 0
        self.setFixedHeight(height * shown + header.sizeHint().height() + below + 6)

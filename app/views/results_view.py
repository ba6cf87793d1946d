"""What a search has found: a title, and below it the words around what was found, which is marked."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.conversations.search import MARK_END, MARK_START, SearchResult
from app.lists.search_results import ResultRole, SearchResults
from app.theme.theme import Theme
from app.translation import tr

PADDING = 8
SNIPPET_LINES = 2

_Index = QModelIndex | QPersistentModelIndex


class ResultsView(QWidget):
    """A list, or a sentence where nothing was found."""

    chosen = Signal(str, str)  # conversation id, message id (empty where only the title fits)
    left_up = Signal()  # the arrow key, from the first result

    def __init__(self, results: SearchResults, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results = results
        self._list = _ResultRows(self)
        self._list.setModel(results)
        self._list.setItemDelegate(ResultRow(theme, self._list))
        self._list.setAccessibleName(tr("Search results"))
        self._list.clicked.connect(self._choose)
        self._list.activated.connect(self._choose)
        self._list.left_up.connect(self.left_up)
        self._nothing = QLabel(tr("Nothing found"), self)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        self._nothing.setProperty("tone", "secondary")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._nothing.setContentsMargins(0, 24, 0, 0)
        self._nothing.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._nothing)
        layout.addWidget(self._list, 1)
        results.changed.connect(self._show_state)
        theme.changed.connect(self._list.viewport().update)
        self._show_state()

    def choose_first(self) -> None:
        """Open the result that is marked, or the first."""
        index = self._list.currentIndex()
        self._choose(index if index.isValid() else self._results.index(0))

    def enter(self) -> None:
        """Take the focus, on the first result."""
        if self._results.rowCount():
            self._list.setFocus()
            self._list.setCurrentIndex(self._results.index(0))

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            result: SearchResult = index.data(ResultRole.RESULT)
            self.chosen.emit(result.conversation_id, result.message_id)

    def _show_state(self) -> None:
        self._nothing.setVisible(not self._results.rowCount())
        self._list.setVisible(bool(self._results.rowCount()))


class _ResultRows(QListView):
    left_up = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.viewport().setAutoFillBackground(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up from the first row goes back to the field; what is printable is for the window."""
        if event.key() == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.left_up.emit()
        elif event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)


class ResultRow(QStyledItemDelegate):
    """Paints one result."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """Every row is equally high."""
        title = QFontMetrics(self._theme.fonts.interface).height()
        snippet = QFontMetrics(self._theme.fonts.small).lineSpacing()
        return QSize(0, title + SNIPPET_LINES * snippet + 2 * PADDING + 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The background of the style sheet, the title, the snippet."""
        result: SearchResult = index.data(ResultRole.RESULT)
        style = option.widget.style() if option.widget else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        inside = option.rect.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        painter.save()
        self._paint_title(painter, inside, result.title or tr("New chat"))
        self._paint_snippet(painter, inside, result.snippet)
        painter.restore()

    def _paint_title(self, painter: QPainter, inside: QRect, title: str) -> None:
        font = self._theme.fonts.interface
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(QColor(self._theme.tokens.text))
        line = metrics.elidedText(" ".join(title.split()), Qt.TextElideMode.ElideRight, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading, line)

    def _paint_snippet(self, painter: QPainter, inside: QRect, snippet: str) -> None:
        text, marks = split_marks(snippet)
        layout = QTextLayout(text, self._theme.fonts.small)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.setFormats([self._mark(start, length) for start, length in marks])
        layout.beginLayout()
        top = 0.0
        for _line in range(SNIPPET_LINES):
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(inside.width())
            line.setPosition(QPointF(0, top))
            top += line.height()
        layout.endLayout()
        painter.setPen(QColor(self._theme.tokens.secondary))
        title_height = QFontMetrics(self._theme.fonts.interface).height()
        layout.draw(painter, QPointF(inside.left(), inside.top() + title_height + 4))

    def _mark(self, start: int, length: int) -> QTextLayout.FormatRange:
        look = QTextCharFormat()
        look.setForeground(QColor(self._theme.tokens.text))
        look.setBackground(QColor(self._theme.tokens.text_selection))
        mark = QTextLayout.FormatRange()
        mark.start, mark.length, mark.format = start, length, look
        return mark


def split_marks(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """A snippet without its marks, and where they were: start and length, in UTF-16 units as Qt counts."""
    text, marks = "", list[tuple[int, int]]()
    for number, piece in enumerate(snippet.replace(MARK_END, MARK_START).split(MARK_START)):
        if number % 2:
            marks.append((_units(text), _units(piece)))
        text += piece
    return text, marks


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2

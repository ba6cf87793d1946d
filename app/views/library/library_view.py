"""The list of the models on this computer: two lines each, and a bar that compares what they take."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.lists.library_list import LibraryList, LibraryRole
from app.model_facts import facts_of_installed
from app.theme.theme import Theme
from app.translation import tr
from engine.contract.model_info import InstalledModel

ROW_HEIGHT, PADDING, BAR_HEIGHT = 62, 10, 3
_Index = QModelIndex | QPersistentModelIndex


class LibraryView(QListView):
    """A row is chosen to be looked at; a double click begins a chat with it."""

    chosen = Signal(object)  # InstalledModel
    chat_requested = Signal(str)

    def __init__(self, models: LibraryList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models = models
        self._name = ""
        self.setModel(models)
        self.setItemDelegate(LibraryRow(theme, self))
        self.setAccessibleName(tr("Models on this computer"))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(self._choose)
        self.doubleClicked.connect(self._chat)
        models.modelReset.connect(self._restore)
        theme.changed.connect(self.doItemsLayout)

    def enter(self) -> None:
        """Take the focus, on the model that is marked or else on the first."""
        self.setFocus()
        if not self.currentIndex().isValid() and self._models.rowCount():
            self.setCurrentIndex(self._models.index(0))

    def show_name(self, name: str) -> None:
        """Mark a model, if it is among the rows."""
        index = self._models.row_of(name)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def _choose(self, index: QModelIndex) -> None:
        model = index.data(LibraryRole.MODEL) if index.isValid() else None
        if model is not None:
            self._name = model.name
            self.chosen.emit(model)

    def _chat(self, index: QModelIndex) -> None:
        model: InstalledModel = index.data(LibraryRole.MODEL)
        if not model.problem:
            self.chat_requested.emit(model.name)

    def _restore(self) -> None:
        """Mark the same model where rows were arranged anew, else the first."""
        index = self._models.row_of(self._name)
        if not index.isValid() and self._models.rowCount():
            index = self._models.index(0)
        self.setCurrentIndex(index)


class LibraryRow(QStyledItemDelegate):
    """Paints one model."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """Every row is equally high."""
        return QSize(0, self._theme.scaled(ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The background of the style sheet, the name, what it is, and the bar."""
        model: InstalledModel = index.data(LibraryRole.MODEL)
        facts, tokens, fonts = facts_of_installed(model), self._theme.tokens, self._theme.fonts
        style = option.widget.style() if option.widget else QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        inside = option.rect.adjusted(PADDING, PADDING - 2, -PADDING, -PADDING)
        lines = inside.adjusted(0, 0, 0, -BAR_HEIGHT - 5)
        middle = lines.top() + lines.height() // 2
        upper = QRect(lines.left(), lines.top(), lines.width(), middle - lines.top())
        lower = QRect(lines.left(), middle, lines.width(), lines.bottom() - middle + 1)
        state = tr("In memory") if model.is_loaded else ""
        painter.save()
        painter.setFont(fonts.small)
        painter.setPen(QColor(tokens.good))
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing, state)
        upper.setRight(upper.right() - QFontMetrics(fonts.small).horizontalAdvance(state) - 8)
        second = facts.problem or " · ".join(filter(None, (facts.quantization, facts.line, *facts.badges)))
        colour = tokens.bad if facts.problem else tokens.secondary
        for place, font, ink, text in (
            (upper, fonts.interface, tokens.text, facts.name),
            (lower, fonts.small, colour, second),
        ):
            painter.setFont(font)
            painter.setPen(QColor(ink))
            line = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, line)
        self._paint_bar(painter, inside, float(index.data(LibraryRole.SHARE)))
        painter.restore()

    def _paint_bar(self, painter: QPainter, inside: QRect, share: float) -> None:
        """How much it takes, beside the largest."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(inside.left(), inside.bottom() - BAR_HEIGHT + 1, inside.width(), BAR_HEIGHT)
        painter.setBrush(QColor(self._theme.tokens.line))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        if share > 0:
            bar.setWidth(max(bar.width() * share, BAR_HEIGHT))
            painter.setBrush(QColor(self._theme.tokens.accent))
            painter.drawRoundedRect(bar, 1.5, 1.5)

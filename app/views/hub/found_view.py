"""The list of models that could be fetched: two lines each, and whether there is room for them."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.found_model import FoundModel
from app.found_words import badges_of, facts_line
from app.lists.found_list import ROOM_WORDS, FoundList, FoundRole
from app.model_room import Room
from app.theme.theme import Theme
from app.theme.tokens import Tokens
from app.translation import tr

ROW_HEIGHT, HEADING_HEIGHT, PADDING = 56, 34, 10
_Index = QModelIndex | QPersistentModelIndex


class FoundView(QListView):
    """Choosing a row only shows it: nothing here fetches anything."""

    chosen = Signal(object)  # FoundModel

    def __init__(self, found: FoundList, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found = found
        self.setModel(found)
        self.setItemDelegate(FoundRow(theme, self))
        self.setAccessibleName(tr("Models to fetch"))
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.viewport().setAutoFillBackground(False)
        self._key = ""
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.selectionModel().currentChanged.connect(self._choose)
        found.modelReset.connect(self._restore)
        theme.changed.connect(self.doItemsLayout)

    def show_key(self, key: str) -> None:
        """Mark a model, if it is among the rows."""
        index = self._found.row_of(key)
        if index.isValid():
            self._key = key
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def enter(self) -> None:
        """Take the focus, on the row that is marked or else on the first model."""
        self.setFocus()
        if not self.currentIndex().isValid():
            for number in range(self._found.rowCount()):
                index = self._found.index(number)
                if not index.data(FoundRole.IS_HEADING):
                    self.setCurrentIndex(index)
                    return

    def _choose(self, index: QModelIndex) -> None:
        model = index.data(FoundRole.MODEL) if index.isValid() else None
        if model is not None:
            self._key = model.key
            self.chosen.emit(model)

    def _restore(self) -> None:
        """Mark the same model where rows were arranged anew."""
        index = self._found.row_of(self._key)
        if index.isValid():
            self.selectionModel().blockSignals(True)
            self.setCurrentIndex(index)
            self.selectionModel().blockSignals(False)


class FoundRow(QStyledItemDelegate):
    """Paints a heading or a model."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Headings are lower."""
        height = HEADING_HEIGHT if index.data(FoundRole.IS_HEADING) else ROW_HEIGHT
        return QSize(0, self._theme.scaled(height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """The background of the style sheet, then what is known."""
        painter.save()
        if index.data(FoundRole.IS_HEADING):
            self._paint_heading(painter, option.rect, str(index.data()))
        else:
            style = option.widget.style() if option.widget else QApplication.style()
            style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
            inside = option.rect.adjusted(PADDING, PADDING - 2, -PADDING, -PADDING + 2)
            self._paint_model(painter, inside, index)
        painter.restore()

    def _paint_heading(self, painter: QPainter, rect: QRect, text: str) -> None:
        painter.setFont(self._theme.fonts.heading)
        painter.setPen(QColor(self._theme.tokens.secondary))
        inside = rect.adjusted(PADDING, 0, -PADDING, -4)
        painter.drawText(inside, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeading, text)

    def _paint_model(self, painter: QPainter, inside: QRect, index: _Index) -> None:
        model: FoundModel = index.data(FoundRole.MODEL)
        room: Room = index.data(FoundRole.ROOM)
        is_here: bool = index.data(FoundRole.IS_HERE)
        tokens, fonts = self._theme.tokens, self._theme.fonts
        upper, lower = _halves(inside)
        verdict = tr("Downloaded") if is_here else tr(ROOM_WORDS[room])
        colour = tokens.accent if is_here else room_colour(room, tokens)
        taken = _draw(painter, upper, verdict, fonts.small, colour, at_end=True)
        upper.setRight(upper.right() - taken - (8 if taken else 0))
        used = _draw(painter, upper, model.title, fonts.interface, tokens.text)
        badges = upper.adjusted(used + 8, 0, 0, 0)
        for text in badges_of(model):
            width = QFontMetrics(fonts.heading).horizontalAdvance(text) + 10
            if width > badges.width():
                break
            self._paint_badge(painter, QRect(badges.left(), badges.top(), width, badges.height()), text)
            badges.setLeft(badges.left() + width + 4)
        _draw(painter, lower, facts_line(model), fonts.small, tokens.secondary)

    def _paint_badge(self, painter: QPainter, place: QRect, text: str) -> None:
        tokens, font = self._theme.tokens, self._theme.fonts.heading
        height = QFontMetrics(font).height() + 2
        box = QRect(place.left(), place.center().y() - height // 2, place.width(), height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(tokens.line))
        painter.drawRoundedRect(box, 6, 6)
        painter.setFont(font)
        painter.setPen(QColor(tokens.accent))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def room_colour(room: Room, tokens: Tokens) -> str:
    """The colour in which a verdict is written; it is never said by the colour alone."""
    colours = {"fits": tokens.good, "tight": tokens.busy, "too_large": tokens.bad}
    return colours.get(room, tokens.secondary)


def _halves(inside: QRect) -> tuple[QRect, QRect]:
    middle = inside.top() + inside.height() // 2
    upper = QRect(inside.left(), inside.top(), inside.width(), middle - inside.top())
    return upper, QRect(inside.left(), middle, inside.width(), inside.bottom() - middle + 1)


def _draw(
    painter: QPainter, place: QRect, text: str, font: QFont, colour: str, *, at_end: bool = False
) -> int:
    """One line, shortened where it does not fit; returns its width."""
    metrics = QFontMetrics(font)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    line = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    side = Qt.AlignmentFlag.AlignTrailing if at_end else Qt.AlignmentFlag.AlignLeading
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, line)
    return metrics.horizontalAdvance(line)

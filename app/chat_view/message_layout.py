"""One message laid out to the column's width: its parts, their places, and how they are painted."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from app.chat_view.answer_notes import note_under
from app.chat_view.text_flow import Selection, TextFlow
from app.conversations.conversation import Message
from app.error_texts import describe_code
from app.theme.theme import Theme

LINE_SPACING = 1.35  # of the font's own height
ROW_GAP = 22  # above every message
BUBBLE_PADDING_X, BUBBLE_PADDING_Y, BUBBLE_RADIUS = 16, 9, 16
BUBBLE_SHARE = 0.85  # of the column, at most
NAME_HEIGHT, NAME_INDENT = 32, 29
NOTE_GAP, NOTE_HEIGHT = 8, 18
CALLOUT_GAP, CALLOUT_PADDING, CALLOUT_INDENT = 10, 14, 30
ICON_SIZE = 18


class MessageLayout:
    """Heights and places are relative to the message's own top left corner in the column."""

    def __init__(self, message: Message, activity: str, width: float, theme: Theme) -> None:
        self._width = width
        self._theme = theme
        self._flow = TextFlow(theme.fonts.body, LINE_SPACING)
        self._callout: TextFlow | None = None
        self._note = ""
        self._message = message
        self.update(message, activity)

    def update(self, message: Message, activity: str) -> None:
        """Take the message as it is now; text that was appended costs only what is new."""
        self._message = message
        self._flow.set_width(self._text_width())
        self._flow.set_text(message.text)
        self._note = note_under(message, activity)
        if message.state == "failed" and self._callout is None:
            stats = message.stats
            error = describe_code(stats.error_code, stats.error_message, stats.error_details)
            self._callout = TextFlow(self._theme.fonts.interface, LINE_SPACING)
            self._callout.set_width(self._width - CALLOUT_INDENT - 2 * CALLOUT_PADDING)
            self._callout.set_text(f"{error.happened}\n{error.to_do}")

    @property
    def height(self) -> float:
        """From the gap above the message to the end of its last part."""
        if self._is_users:
            return ROW_GAP + self._flow.height + 2 * BUBBLE_PADDING_Y
        return self._callout_top + self._callout_height + (NOTE_GAP + NOTE_HEIGHT if self._note else 0)

    @property
    def text_rect(self) -> QRectF:
        """Where the text is."""
        if self._is_users:
            width = self._flow.natural_width
            return QRectF(
                self._width - width - BUBBLE_PADDING_X, ROW_GAP + BUBBLE_PADDING_Y, width, self._flow.height
            )
        return QRectF(0, ROW_GAP + NAME_HEIGHT, self._width, self._text_height)

    def position_at(self, point: QPointF) -> int:
        """The text position nearest to a point."""
        inner = point - self.text_rect.topLeft()
        return self._flow.position_at(inner.x(), inner.y())

    def word_at(self, position: int) -> Selection:
        """The word around a text position."""
        return self._flow.word_at(position)

    def whole_text(self) -> Selection:
        """A selection of everything."""
        return Selection(0, self._flow.length)

    def selected_text(self, selection: Selection) -> str:
        """The characters of a selection."""
        return self._flow.selected_text(selection)

    def paint(self, painter: QPainter, top_left: QPointF, clip: QRectF, selection: Selection | None) -> None:
        """Paint what of the message lies within the clip."""
        tokens = self._theme.tokens
        if self._is_users:
            bubble = self.text_rect.adjusted(
                -BUBBLE_PADDING_X, -BUBBLE_PADDING_Y, BUBBLE_PADDING_X, BUBBLE_PADDING_Y
            ).translated(top_left)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.bubble))
            painter.drawRoundedRect(bubble, BUBBLE_RADIUS, BUBBLE_RADIUS)
        else:
            self._paint_name(painter, top_left)
        painter.setPen(QColor(tokens.text))
        self._flow.draw(
            painter,
            top_left + self.text_rect.topLeft(),
            (clip.top(), clip.bottom()),
            selection,
            QColor(tokens.text_selection),
        )
        if self._callout is not None:
            self._paint_callout(painter, top_left, self._callout, clip)
        if self._note:
            painter.setPen(QColor(tokens.secondary))
            painter.setFont(self._theme.fonts.small)
            note_top = top_left.y() + self.height - NOTE_HEIGHT
            place = QRectF(top_left.x(), note_top, self._width, NOTE_HEIGHT)
            _draw_line(painter, place, self._note)

    def _paint_name(self, painter: QPainter, top_left: QPointF) -> None:
        icon_top = top_left.y() + ROW_GAP + (NAME_HEIGHT - 8 - ICON_SIZE) / 2
        self._paint_icon(painter, QPointF(top_left.x(), icon_top), "answer", self._theme.tokens.accent)
        painter.setPen(QColor(self._theme.tokens.text))
        painter.setFont(self._theme.fonts.strong)
        place = QRectF(
            top_left.x() + NAME_INDENT, top_left.y() + ROW_GAP, self._width - NAME_INDENT, NAME_HEIGHT - 8
        )
        _draw_line(painter, place, self._message.model)

    def _paint_callout(self, painter: QPainter, top_left: QPointF, callout: TextFlow, clip: QRectF) -> None:
        tokens = self._theme.tokens
        box = QRectF(
            top_left.x(),
            top_left.y() + self._callout_top + CALLOUT_GAP,
            self._width,
            callout.height + 2 * CALLOUT_PADDING,
        )
        painter.setPen(QColor(tokens.callout_line))
        painter.setBrush(QColor(tokens.callout))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        self._paint_icon(
            painter,
            box.topLeft() + QPointF(CALLOUT_PADDING, CALLOUT_PADDING + 2),
            "alert",
            tokens.callout_text,
        )
        painter.setPen(QColor(tokens.callout_text))
        origin = box.topLeft() + QPointF(CALLOUT_PADDING + CALLOUT_INDENT, CALLOUT_PADDING)
        callout.draw(painter, origin, (clip.top(), clip.bottom()), None, QColor(tokens.text_selection))

    def _paint_icon(self, painter: QPainter, place: QPointF, name: str, colour: str) -> None:
        scale = painter.device().devicePixelRatioF()
        painter.drawPixmap(place, self._theme.icons.pixmap(name, colour, ICON_SIZE, scale))

    @property
    def _is_users(self) -> bool:
        return self._message.role == "user"

    def _text_width(self) -> float:
        return self._width * BUBBLE_SHARE - 2 * BUBBLE_PADDING_X if self._is_users else self._width

    @property
    def _text_height(self) -> float:
        return self._flow.height if self._message.text else 0.0

    @property
    def _callout_top(self) -> float:
        return ROW_GAP + NAME_HEIGHT + self._text_height

    @property
    def _callout_height(self) -> float:
        return CALLOUT_GAP + self._callout.height + 2 * CALLOUT_PADDING if self._callout is not None else 0.0


def estimated_height(message: Message, width: float) -> float:
    """About how high a message will be, from its length alone."""
    average_character = 7.4  # pixels, of running English text in the body font
    lines = message.text.count("\n") + 1 + len(message.text) * average_character / width
    around = 2 * BUBBLE_PADDING_Y if message.role == "user" else NAME_HEIGHT + NOTE_GAP + NOTE_HEIGHT
    return round(ROW_GAP + around + 25 * lines)


def _draw_line(painter: QPainter, place: QRectF, text: str) -> None:
    """One line of plain text, shortened with an ellipsis where it does not fit."""
    fitting = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, fitting)

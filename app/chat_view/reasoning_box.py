"""What a model thought before it answered: a line that says how long, which opens to all of it."""

import time

from markdown_it import MarkdownIt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.chat_view.look import Look
from app.chat_view.text_column import TextColumn
from app.conversations.conversation import Message
from app.translation import format_number, tr, tr_count

HEAD_HEIGHT, PADDING, RADIUS, ICON_SIZE = 36, 14, 10, 16


class ReasoningBox:
    """Folded at first; what is folded is neither read nor laid out."""

    def __init__(self, look: Look, parser: MarkdownIt) -> None:
        self._look = look
        self.head_height = look.theme.scaled(HEAD_HEIGHT)
        self._icon_size = look.theme.scaled(ICON_SIZE)
        self._parser = parser
        self._message: Message | None = None
        self._width = 0.0
        self._began_at = time.monotonic()
        self._thought_s = 0.0
        self.text: TextColumn | None = None  # only while it is open

    @property
    def is_open(self) -> bool:
        """Whether the thoughts are shown."""
        return self.text is not None

    @property
    def height(self) -> float:
        """The line, and what is below it while it is open."""
        return self.head_height + (self.text.height + 2 * PADDING if self.text is not None else 0)

    @property
    def text_corner(self) -> QPointF:
        """Where the text begins."""
        return QPointF(PADDING, self.head_height + PADDING / 2)

    @property
    def title(self) -> str:
        """How long it took, and how many tokens."""
        message = self._message
        if message is None:
            return ""
        stats = message.stats
        is_thinking = message.state == "streaming" and not message.text
        seconds = stats.reasoning_ms / 1000 or self._thought_s
        words = [tr("Thinking…") if is_thinking else tr("Thought")]
        if seconds >= 0.05:
            words = [
                tr("Thinking for {time}", time=_duration(seconds))
                if is_thinking
                else tr("Thought for {time}", time=_duration(seconds))
            ]
        if stats.reasoning_tokens:
            words.append(tr_count(stats.reasoning_tokens, "{count} token", "{count} tokens"))
        return " · ".join(words)

    def update(self, message: Message, width: float) -> None:
        """Take the message as it is now."""
        if message.state == "streaming" and not message.text:
            self._thought_s = time.monotonic() - self._began_at
        self._message, self._width = message, width
        if self.text is not None:
            is_finished = message.state != "streaming" or bool(message.text)
            self.text.update(message.reasoning, width - 2 * PADDING, is_finished=is_finished)

    def toggle(self) -> None:
        """Open or fold it."""
        if self.text is not None or self._message is None:
            self.text = None
            return
        self.text = TextColumn(self._look, colour=self._look.theme.tokens.secondary, parser=self._parser)
        self.update(self._message, self._width)

    def draw_frame(self, painter: QPainter, origin: QPointF) -> None:
        """Draw everything but the text."""
        tokens, fonts = self._look.theme.tokens, self._look.theme.fonts
        box = QRectF(origin.x(), origin.y(), self._width, self.height).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(QColor(tokens.line)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        self._draw_icon(
            painter, "chevron-down" if self.is_open else "chevron-right", origin.x() + PADDING, origin
        )
        self._draw_icon(painter, "thought", origin.x() + self._width - PADDING - self._icon_size, origin)
        painter.setPen(QColor(tokens.secondary))
        painter.setFont(fonts.small)
        beside = PADDING + self._icon_size + 8
        place = QRectF(origin.x() + beside, origin.y(), self._width - 2 * beside, self.head_height)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self.title)

    def _draw_icon(self, painter: QPainter, name: str, x: float, origin: QPointF) -> None:
        scale = painter.device().devicePixelRatioF()
        pixmap = self._look.theme.icons.pixmap(
            name, self._look.theme.tokens.secondary, self._icon_size, scale
        )
        painter.drawPixmap(QPointF(x, origin.y() + (self.head_height - self._icon_size) / 2), pixmap)


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{format_number(seconds, 1)} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"

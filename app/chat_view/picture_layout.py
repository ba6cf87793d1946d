"""A picture of the data folder; every other one is a line that says what was not loaded."""

from pathlib import Path
from urllib.parse import unquote

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImageReader, QPainter, QPixmap

from app.chat_view.block_layout import BlockLayout
from app.chat_view.blocks import Content, Picture
from app.chat_view.inline_layout import InlineLayout
from app.chat_view.inline_text import image_note, plain_text
from app.chat_view.look import Look, Marks

FORMATS = (b"png", b"jpeg", b"webp", b"gif")
TALLEST = 480  # pixels
MOST_PIXELS = 50_000_000  # of the file
_CHIP_PADDING_X, _CHIP_PADDING_Y = 12, 7


class PictureLayout(BlockLayout):
    """Its text is what stands in its place."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._note = InlineLayout(look, look.theme.fonts.small, colour=look.theme.tokens.secondary)
        self._pixmap: QPixmap | None = None
        self._size = QSize()

    @property
    def height(self) -> float:
        """The picture's or the line's."""
        if self._pixmap is not None:
            return self._size.height()
        return self._note.height + 2 * _CHIP_PADDING_Y

    @property
    def text(self) -> str:
        """What the picture shows, or why it is not there."""
        return self._note.inline.text

    def lay_out(self, content: Content, width: float) -> None:
        """Read the file in the size in which it is shown."""
        assert isinstance(content, Picture)
        path = allowed_file(content.source, self._look.picture_folder)
        self._pixmap = None
        if path is not None:
            self._read(path, width)
        note = content.alt if self._pixmap is not None else image_note(content.source, content.alt)
        self._note.lay_out(plain_text(note, 0), width - 2 * _CHIP_PADDING_X)

    def draw(self, painter: QPainter, origin: QPointF, clip: tuple[float, float], marks: Marks) -> None:
        """Draw the picture or the line."""
        tokens = self._look.theme.tokens
        if self._pixmap is not None:
            painter.drawPixmap(QRectF(origin, self._size).toRect(), self._pixmap)
            return
        width = self._note.natural_width + 2 * _CHIP_PADDING_X
        painter.setPen(QColor(tokens.line))
        painter.setBrush(QColor(tokens.code))
        painter.drawRoundedRect(
            QRectF(origin.x(), origin.y(), width, self.height).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8
        )
        place = origin + QPointF(_CHIP_PADDING_X, _CHIP_PADDING_Y)
        self._note.draw(painter, place, clip, marks, tokens.secondary)

    def _read(self, path: Path, width: float) -> None:
        reader = QImageReader(str(path))
        reader.setAutoTransform(True)
        size = reader.size()
        if (
            bytes(reader.format().data()) not in FORMATS
            or not 0 < size.width() * size.height() <= MOST_PIXELS
        ):
            return
        bounds = QSize(int(width), TALLEST)
        fits = size.width() <= bounds.width() and size.height() <= bounds.height()
        self._size = size if fits else size.scaled(bounds, Qt.AspectRatioMode.KeepAspectRatio)
        reader.setScaledSize(self._size * 2 if not fits else size)
        image = reader.read()
        if not image.isNull():
            self._pixmap = QPixmap.fromImage(image)


def allowed_file(source: str, folder: Path | None) -> Path | None:
    """The file that a picture names, if it lies in the folder; links that lead out of it do not count."""
    if folder is None or ":" in source[:12] or source.startswith(("//", "\\")):
        return None
    try:
        path = (folder / unquote(source)).resolve()
        is_inside = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if is_inside else None

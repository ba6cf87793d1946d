"""Icons: Retort's own line drawings (resources/icons), tinted with a token when they are drawn."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer


class Icons:
    """The files of one folder; each is drawn once in every colour and size that is really shown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str, str], QIcon] = {}
        self._drawn: dict[tuple[str, str, int, float], QPixmap] = {}

    def icon(self, name: str, colour: str, disabled_colour: str = "") -> QIcon:
        """The icon of that name in that colour, and in another one while its button is disabled."""
        key = (name, colour, disabled_colour or colour)
        if key not in self._made:
            self._made[key] = QIcon(_DrawnWhenShown(self, *key))
        return self._made[key]

    def pixmap(self, name: str, colour: str, size: int, scale: float = 1) -> QPixmap:
        """One drawing of `size` device-independent pixels, for a screen with `scale` dots to each."""
        key = (name, colour, size, scale)
        if key not in self._drawn:
            self._drawn[key] = self._draw(name, colour, size, scale)
        return self._drawn[key]

    def _draw(self, name: str, colour: str, size: int, scale: float) -> QPixmap:
        source = (self._folder / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
        renderer = QSvgRenderer(QByteArray(source.encode()))
        pixmap = QPixmap(QSize(round(size * scale), round(size * scale)))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(pixmap.rect()))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        return pixmap


class _DrawnWhenShown(QIconEngine):
    """Asks for the drawing at the moment and in the size in which Qt wants it."""

    def __init__(self, icons: Icons, name: str, colour: str, disabled_colour: str) -> None:
        super().__init__()
        self._icons = icons
        self._name = name
        self._colours = (colour, disabled_colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, _state: QIcon.State) -> None:
        """Paint the icon into a square in the middle of the rectangle."""
        size = min(rect.width(), rect.height())
        scale = painter.device().devicePixelRatioF()
        pixmap = self._icons.pixmap(self._name, self._colours[mode == QIcon.Mode.Disabled], size, scale)
        corner = QPoint(rect.x() + (rect.width() - size) // 2, rect.y() + (rect.height() - size) // 2)
        painter.drawPixmap(corner, pixmap)

    def pixmap(self, size: QSize, mode: QIcon.Mode, _state: QIcon.State) -> QPixmap:
        """The icon for places that want a pixmap: menus, for one."""
        colour = self._colours[mode == QIcon.Mode.Disabled]
        return self._icons.pixmap(self._name, colour, min(size.width(), size.height()))

    def clone(self) -> QIconEngine:
        """Another engine for a copy of the icon."""
        return _DrawnWhenShown(self._icons, self._name, *self._colours)

"""Formulas as pictures: asks the typesetter, keeps what was drawn."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt, SignalInstance
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from engine.contract.typesetting import Typeset

MOST_KEPT = 400  # drawings


class FormulaSetter(Protocol):
    """Sets formulas somewhere else; None while one is not ready, `typeset_ready` when one is."""

    @property
    def typeset_ready(self) -> SignalInstance:
        """A formula that was asked for is ready."""

    def typeset(self, tex: str, size_px: float, colour: str, display: bool) -> Typeset | None:
        """What a formula looks like, if that is known already."""


@dataclass(frozen=True, slots=True)
class DrawnFormula:
    """A formula that can be painted."""

    typeset: Typeset
    formulas: "Formulas"

    @property
    def width(self) -> float:
        """In device-independent pixels."""
        return self.typeset.width

    @property
    def height(self) -> float:
        """In device-independent pixels."""
        return self.typeset.height

    @property
    def baseline(self) -> float:
        """From the top."""
        return self.typeset.height - self.typeset.baseline

    def paint(self, painter: QPainter, top_left: QPointF) -> None:
        """Paint it with its top left corner at a point."""
        painter.drawPixmap(top_left, self.formulas.pixmap(self.typeset, painter.device().devicePixelRatioF()))


class Formulas:
    """All formulas of a view. Without a typesetter there are none, and their source is shown."""

    def __init__(self, setter: FormulaSetter | None = None) -> None:
        self._setter = setter
        self._drawn: OrderedDict[tuple[str, float], QPixmap] = OrderedDict()

    def find(self, tex: str, *, pixels: float, colour: str, is_display: bool) -> DrawnFormula | None:
        """The formula in a size and a colour; None where it is not ready or cannot be set."""
        typeset = self._setter.typeset(tex, pixels, colour, is_display) if self._setter is not None else None
        if typeset is None or typeset.error or not typeset.svg:
            return None
        return DrawnFormula(typeset, self)

    def pixmap(self, typeset: Typeset, scale: float) -> QPixmap:
        """The drawing for a screen with `scale` dots to each pixel."""
        key = (typeset.svg, scale)
        if key in self._drawn:
            self._drawn.move_to_end(key)
            return self._drawn[key]
        pixmap = QPixmap(max(round(typeset.width * scale), 1), max(round(typeset.height * scale), 1))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        QSvgRenderer(QByteArray(typeset.svg.encode())).render(painter, QRectF(pixmap.rect()))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        self._drawn[key] = pixmap
        while len(self._drawn) > MOST_KEPT:
            self._drawn.popitem(last=False)
        return pixmap

"""Labels that take no markup: what they say may come from anybody."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme.fonts import FontUse
from app.theme.theme import Theme


def plain_label(
    parent: QWidget,
    theme: Theme,
    text: str = "",
    use: FontUse = "interface",
    *,
    tone: str = "",
    wraps: bool = False,
) -> QLabel:
    """A label in one of the theme's fonts; `tone` as the style sheet knows it."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("tone", tone)
    label.setWordWrap(wraps)
    theme.give_font(label, use)
    return label

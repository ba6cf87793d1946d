"""The fonts of the window: Inter, which ships with Retort, with the system's own behind it."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from PySide6.QtGui import QFont, QFontDatabase

FAMILY = "Inter"
FontUse = Literal["interface", "body", "strong", "small", "heading", "title"]
_FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonts:
    """One font for each use; sizes are in device-independent pixels."""

    interface: QFont
    body: QFont  # what is said
    strong: QFont  # the model's name
    small: QFont  # statistics, status
    heading: QFont  # over a group of rows
    title: QFont  # the welcome

    def scaled(self, factor: float) -> "Fonts":
        """The same fonts, larger or smaller."""
        made = {field.name: QFont(getattr(self, field.name)) for field in fields(self)}
        for font in made.values():
            font.setPixelSize(max(round(font.pixelSize() * factor), 1))
        return Fonts(**made)


def load_fonts(folder: Path) -> Fonts:
    """Register the shipped font files; where they are missing the system's font takes their place."""
    loaded = [
        QFontDatabase.addApplicationFont(str(folder / name)) for name in _FILES if (folder / name).exists()
    ]
    has_inter = any(font_id >= 0 for font_id in loaded)

    def font(pixels: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        made = QFont()
        if has_inter:
            made.setFamily(FAMILY)
        made.setPixelSize(pixels)
        made.setWeight(weight)
        made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return made

    return Fonts(
        interface=font(14),
        body=font(15),
        strong=font(15, QFont.Weight.DemiBold),
        small=font(13),
        heading=font(12, QFont.Weight.DemiBold),
        title=font(26, QFont.Weight.DemiBold),
    )

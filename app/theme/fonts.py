"""The fonts of the window: Inter, and JetBrains Mono for code; the system's own stand behind them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtGui import QFont, QFontDatabase

FAMILY, CODE_FAMILY = "Inter", "JetBrains Mono"
HEADING_PIXELS = (22, 19, 17, 15, 15, 15)  # of the levels 1 to 6 in an answer
FontUse = Literal["interface", "body", "strong", "small", "heading", "title", "code"]
_FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf")
_CODE_FILE = "JetBrainsMono-Regular.ttf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonts:
    """One font for each use; sizes are in device-independent pixels."""

    interface: QFont
    body: QFont  # what is said
    strong: QFont  # the model's name
    small: QFont  # statistics, status
    heading: QFont  # over a group of rows
    title: QFont  # the welcome
    code: QFont  # every character equally wide
    headings: tuple[QFont, ...]  # in an answer, of the levels 1 to 6

    def scaled(self, factor: float) -> "Fonts":
        """The same fonts, larger or smaller."""

        def resized(font: QFont) -> QFont:
            made = QFont(font)
            made.setPixelSize(max(round(font.pixelSize() * factor), 1))
            return made

        single = {use: resized(getattr(self, use)) for use in get_args(FontUse)}
        return Fonts(**single, headings=tuple(map(resized, self.headings)))


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
        code=_code_font(folder / _CODE_FILE),
        headings=tuple(font(pixels, QFont.Weight.DemiBold) for pixels in HEADING_PIXELS),
    )


def _code_font(path: Path) -> QFont:
    is_loaded = path.exists() and QFontDatabase.addApplicationFont(str(path)) >= 0
    made = QFont(CODE_FAMILY) if is_loaded else QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    made.setPixelSize(13)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    made.setFeature(QFont.Tag("liga"), 0)  # two characters stay two
    made.setFeature(QFont.Tag("calt"), 0)
    return made

"""What every block is laid out and painted with: theme, character formats, formulas, marked stretches."""

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextCharFormat, QTextLayout

from app.chat_view.formulas import Formulas
from app.chat_view.inline_text import Style
from app.chat_view.shown_text import ShownText
from app.theme.theme import Theme

LINE_SPACING = 1.35  # of a font's own height


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in one block, as pairs of positions: the selection, and what was searched for."""

    selection: tuple[int, int] | None = None
    matches: tuple[tuple[int, int], ...] = ()
    current_match: tuple[int, int] | None = None

    def shifted(self, start: int, end: int) -> "Marks":
        """The marks of a part of the block, counted from its own beginning."""

        if self is NO_MARKS:
            return self

        def cut(pair: tuple[int, int] | None) -> tuple[int, int] | None:
            if pair is None or pair[0] >= end or pair[1] <= start:
                return None
            return max(pair[0], start) - start, min(pair[1], end) - start

        return Marks(
            cut(self.selection),
            tuple(match for match in map(cut, self.matches) if match is not None),
            cut(self.current_match),
        )


NO_MARKS = Marks()


@dataclass(slots=True)
class Look:
    """One for a view; the formats are made anew when the theme changes."""

    theme: Theme
    formulas: Formulas = field(default_factory=Formulas)
    picture_folder: Path | None = None  # pictures elsewhere are never opened
    _formats: dict[tuple[Style, int], QTextCharFormat] = field(default_factory=dict)
    _foregrounds: dict[str, QTextCharFormat] = field(default_factory=dict)
    _line_heights: dict[str, int] = field(default_factory=dict)

    def forget_colours(self) -> None:
        """Take the theme's new colours from now on."""
        self._formats.clear()
        self._foregrounds.clear()

    def line_height(self, font: QFont) -> int:
        """How far apart the lines of a font are, in whole pixels."""
        key = font.key()
        if key not in self._line_heights:
            self._line_heights[key] = ceil(QFontMetricsF(font).height() * LINE_SPACING)
        return self._line_heights[key]

    def character_format(self, style: Style, pixels: int) -> QTextCharFormat:
        """How characters of a style look in text of that size."""
        key = (style, pixels)
        if key not in self._formats:
            self._formats[key] = self._make_format(style, pixels)
        return self._formats[key]

    def foreground(self, token: str) -> QTextCharFormat:
        """A format that only colours the characters; `token` is a field of Tokens."""
        if token not in self._foregrounds:
            made = QTextCharFormat()
            made.setForeground(QColor(getattr(self.theme.tokens, token)))
            self._foregrounds[token] = made
        return self._foregrounds[token]

    def mark_ranges(self, marks: Marks, shown: ShownText, start: int = 0) -> list[QTextLayout.FormatRange]:
        """What lies behind marked characters of a text layout that begins at one of Qt's positions."""
        if marks is NO_MARKS:
            return []
        tokens = self.theme.tokens
        pairs = [(match, tokens.match) for match in marks.matches]
        if marks.current_match is not None:
            pairs.append((marks.current_match, tokens.current_match))
        if marks.selection is not None:
            pairs.append((marks.selection, tokens.text_selection))
        ranges = []
        for (first, last), colour in pairs:
            made = QTextLayout.FormatRange()
            made.start = max(shown.shown(first) - start, 0)
            made.length = max(shown.shown(last) - start - made.start, 0)
            behind = QTextCharFormat()
            behind.setBackground(QColor(colour))
            made.format = behind
            ranges.append(made)
        return ranges

    def _make_format(self, style: Style, pixels: int) -> QTextCharFormat:
        tokens, made = self.theme.tokens, QTextCharFormat()
        if style & (Style.CODE | Style.FORMULA):
            font = QFont(self.theme.fonts.code)
            font.setPixelSize(round(pixels * 0.87))
            made.setFont(font)
        if style & Style.BOLD:
            made.setFontWeight(QFont.Weight.DemiBold)
        if style & Style.ITALIC:
            made.setFontItalic(True)
        if style & Style.STRUCK:
            made.setFontStrikeOut(True)
        if style & Style.LINK:
            made.setForeground(QColor(tokens.accent))
            made.setFontUnderline(True)
        if style & Style.UNDERLINED:
            made.setFontUnderline(True)
        if style & Style.MARKED:
            made.setBackground(QColor(tokens.match))
        if style & Style.SUBSCRIPT:
            made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSubScript)
        if style & Style.SUPERSCRIPT:
            made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
        if style & Style.RAISED:
            made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
            made.setForeground(QColor(tokens.accent))
        if style & Style.IMAGE:
            made.setForeground(QColor(tokens.secondary))
        return made

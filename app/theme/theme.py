"""The theme: what the user has chosen of light and dark, contrast and text size, and what follows from it."""

from typing import Literal, get_args

import shiboken6
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QApplication, QListView, QStyleFactory, QWidget

from app.theme.fonts import Fonts, FontUse
from app.theme.icons import Icons
from app.theme.palette import make_palette
from app.theme.stylesheet import make_stylesheet
from app.theme.tokens import DARK, DARK_HIGH_CONTRAST, LIGHT, LIGHT_HIGH_CONTRAST, Tokens

HasIcons = QAbstractButton | QListView
ThemeChoice = Literal["system", "light", "dark"]
ContrastChoice = Literal["system", "normal", "high"]
THEME_CHOICES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)
CONTRAST_CHOICES: tuple[ContrastChoice, ...] = get_args(ContrastChoice)
FONT_SCALES = (80, 90, 100, 110, 125, 150, 175, 200)  # per cent


class Theme(QObject):
    """Dresses the application; whoever paints by hand reads `tokens` and `fonts` and listens to `changed`."""

    changed = Signal()

    def __init__(
        self,
        qt: QApplication,
        fonts: Fonts,
        icons: Icons,
        choice: ThemeChoice = "system",
        *,
        contrast: ContrastChoice = "system",
        font_scale: int = 100,
    ) -> None:
        """`font_scale` is in per cent of the fonts that are given."""
        super().__init__()
        self._qt = qt
        # both are kept: PySide 6.11 takes the second for deleted once the first's wrapper has gone
        self._hints = qt.styleHints()
        self._accessibility = self._hints.accessibility()
        self._choice = choice
        self._contrast = contrast
        self._font_scale = font_scale
        self._unscaled = fonts
        self.fonts = fonts.scaled(font_scale / 100)
        self.icons = icons
        self.tokens: Tokens = self._chosen_tokens()
        qt.setStyle(QStyleFactory.create("Fusion"))
        self._dress()
        self._hints.colorSchemeChanged.connect(self._follow)
        if shiboken6.isValid(self._accessibility):
            self._accessibility.contrastPreferenceChanged.connect(self._follow)

    @property
    def choice(self) -> ThemeChoice:
        """What the user has chosen of light and dark."""
        return self._choice

    @property
    def contrast(self) -> ContrastChoice:
        """What the user has chosen of contrasts."""
        return self._contrast

    @property
    def font_scale(self) -> int:
        """How large text is, in per cent."""
        return self._font_scale

    def choose(self, choice: ThemeChoice) -> None:
        """Take light, dark, or whatever the system says now and later."""
        self._choice = choice
        self._follow()

    def choose_contrast(self, contrast: ContrastChoice) -> None:
        """Take normal or high contrast, or whatever the system says now and later."""
        self._contrast = contrast
        self._follow()

    def choose_font_scale(self, per_cent: int) -> None:
        """Make all text this large; the nearest size that makes sense is taken."""
        per_cent = min(max(per_cent, FONT_SCALES[0]), FONT_SCALES[-1])
        if per_cent != self._font_scale:
            self._font_scale = per_cent
            self.fonts = self._unscaled.scaled(per_cent / 100)
            self._dress()
            self.changed.emit()

    def step_font_scale(self, direction: int) -> None:
        """Take the next larger size for 1, the next smaller one for -1."""
        wanted = [size for size in FONT_SCALES if (size - self._font_scale) * direction > 0]
        if wanted:
            self.choose_font_scale(min(wanted, key=lambda size: abs(size - self._font_scale)))

    def scaled(self, pixels: int) -> int:
        """A length that goes with the text, such as the height of a row."""
        return round(pixels * self._font_scale / 100)

    def give_font(self, widget: QWidget, use: FontUse) -> None:
        """Let a widget have one of the fonts, now and when text becomes larger or smaller."""
        _FontFollower(self, widget, use)

    def give_icon_size(self, widget: HasIcons, pixels: int) -> None:
        """Let the icons of a widget be this large, and larger or smaller with the text."""
        _IconSizeFollower(self, widget, pixels)

    def _follow(self) -> None:
        tokens = self._chosen_tokens()
        if tokens is not self.tokens:
            self.tokens = tokens
            self._dress()
        self.changed.emit()

    def _chosen_tokens(self) -> Tokens:
        if self._is_dark():
            return DARK_HIGH_CONTRAST if self._has_high_contrast() else DARK
        return LIGHT_HIGH_CONTRAST if self._has_high_contrast() else LIGHT

    def _is_dark(self) -> bool:
        if self._choice == "system":  # a platform without an opinion says Unknown, and gets light
            return self._hints.colorScheme() == Qt.ColorScheme.Dark
        return self._choice == "dark"

    def _has_high_contrast(self) -> bool:
        if self._contrast == "system":
            is_known = shiboken6.isValid(self._accessibility)
            high = Qt.ContrastPreference.HighContrast
            return is_known and self._accessibility.contrastPreference() == high
        return self._contrast == "high"

    def _dress(self) -> None:
        self._qt.setFont(self.fonts.interface)
        self._qt.setPalette(make_palette(self.tokens))
        self._qt.setStyleSheet(make_stylesheet(self.tokens, self._font_scale / 100))


class _FontFollower(QObject):
    """Lives and ends with its widget."""

    def __init__(self, theme: Theme, widget: QWidget, use: FontUse) -> None:
        super().__init__(widget)
        self._theme = theme
        self._widget = widget
        self._use = use
        theme.changed.connect(self._set)
        self._set()

    def _set(self) -> None:
        font = getattr(self._theme.fonts, self._use)
        if self._widget.font() != font:
            self._widget.setFont(font)


class _IconSizeFollower(QObject):
    """Lives and ends with its widget."""

    def __init__(self, theme: Theme, widget: HasIcons, pixels: int) -> None:
        super().__init__(widget)
        self._theme = theme
        self._widget = widget
        self._pixels = pixels
        theme.changed.connect(self._set)
        self._set()

    def _set(self) -> None:
        side = self._theme.scaled(self._pixels)
        self._widget.setIconSize(QSize(side, side))

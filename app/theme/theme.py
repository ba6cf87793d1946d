"""The theme: the user's choice of light, dark or the system's, and what follows from it."""

from typing import Literal, get_args

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QStyleFactory

from app.theme.fonts import Fonts
from app.theme.icons import Icons
from app.theme.palette import make_palette
from app.theme.stylesheet import make_stylesheet
from app.theme.tokens import DARK, LIGHT, Tokens

ThemeChoice = Literal["system", "light", "dark"]
THEME_CHOICES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)


class Theme(QObject):
    """Dresses the application; whoever paints by hand reads `tokens` and listens to `changed`."""

    changed = Signal()

    def __init__(self, qt: QApplication, fonts: Fonts, icons: Icons, choice: ThemeChoice = "system") -> None:
        super().__init__()
        self._qt = qt
        self._choice = choice
        self.fonts = fonts
        self.icons = icons
        self.tokens: Tokens = self._chosen_tokens()
        qt.setStyle(QStyleFactory.create("Fusion"))
        qt.setFont(fonts.interface)
        self._dress()
        qt.styleHints().colorSchemeChanged.connect(self._follow)

    @property
    def choice(self) -> ThemeChoice:
        """What the user has chosen."""
        return self._choice

    def choose(self, choice: ThemeChoice) -> None:
        """Take light, dark, or whatever the system says now and later."""
        self._choice = choice
        self._follow()

    def _follow(self) -> None:
        tokens = self._chosen_tokens()
        if tokens is not self.tokens:
            self.tokens = tokens
            self._dress()
        self.changed.emit()

    def _chosen_tokens(self) -> Tokens:
        if self._choice == "system":  # a platform without an opinion says Unknown, and gets light
            return DARK if self._qt.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._choice == "dark" else LIGHT

    def _dress(self) -> None:
        self._qt.setPalette(make_palette(self.tokens))
        self._qt.setStyleSheet(make_stylesheet(self.tokens))

"""What only the window knows, kept in an INI file: geometry, looks, language, keys, the model used last."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.theme.theme import CONTRAST_CHOICES, FONT_SCALES, THEME_CHOICES, ContrastChoice, ThemeChoice
from app.translation import LANGUAGES


class WindowSettings:
    """Typed access to the file; a value that makes no sense counts as absent."""

    def __init__(self, path: Path) -> None:
        self._settings = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def geometry(self) -> QByteArray:
        """As QWidget.saveGeometry wrote it; empty at the first start."""
        value = self._settings.value("window/geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("window/geometry", geometry)

    @property
    def shows_sidebar(self) -> bool:
        """Whether the list of conversations is open."""
        return bool(self._settings.value("window/sidebar") != "hidden")

    @shows_sidebar.setter
    def shows_sidebar(self, shows: bool) -> None:
        self._settings.setValue("window/sidebar", "shown" if shows else "hidden")

    @property
    def shows_panel(self) -> bool:
        """Whether the settings of the chat are open."""
        return bool(self._settings.value("window/panel") == "shown")

    @shows_panel.setter
    def shows_panel(self, shows: bool) -> None:
        self._settings.setValue("window/panel", "shown" if shows else "hidden")

    @property
    def theme(self) -> ThemeChoice:
        """Light, dark or the system's."""
        value = self._settings.value("window/theme")
        return next((choice for choice in THEME_CHOICES if choice == value), "system")

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._settings.setValue("window/theme", choice)

    @property
    def contrast(self) -> ContrastChoice:
        """Normal, high or the system's."""
        value = self._settings.value("window/contrast")
        return next((choice for choice in CONTRAST_CHOICES if choice == value), "system")

    @contrast.setter
    def contrast(self, choice: ContrastChoice) -> None:
        self._settings.setValue("window/contrast", choice)

    @property
    def font_scale(self) -> int:
        """How large text is, in per cent."""
        value = str(self._settings.value("window/font_scale"))
        per_cent = int(value) if value.isdecimal() else 100
        return per_cent if FONT_SCALES[0] <= per_cent <= FONT_SCALES[-1] else 100

    @font_scale.setter
    def font_scale(self, per_cent: int) -> None:
        self._settings.setValue("window/font_scale", per_cent)

    @property
    def language(self) -> str:
        """The language that was chosen; empty for the system's."""
        value = self._settings.value("window/language")
        return next((language for language in LANGUAGES if language == value), "")

    @language.setter
    def language(self, language: str) -> None:
        self._settings.setValue("window/language", language)

    @property
    def shortcuts(self) -> dict[str, list[str]]:
        """The user's own keys for each command that has any of its own."""
        self._settings.beginGroup("shortcuts")
        own = {name: _texts(self._settings.value(name)) for name in self._settings.childKeys()}
        self._settings.endGroup()
        return own

    @shortcuts.setter
    def shortcuts(self, own: Mapping[str, Sequence[str]]) -> None:
        self._settings.remove("shortcuts")
        for name, keys in own.items():
            self._settings.setValue(f"shortcuts/{name}", list(keys))

    @property
    def sends_with_ctrl(self) -> bool:
        """Whether Ctrl+Enter sends, and Enter alone starts a line."""
        return bool(self._settings.value("window/send") == "ctrl+enter")

    @sends_with_ctrl.setter
    def sends_with_ctrl(self, with_ctrl: bool) -> None:
        self._settings.setValue("window/send", "ctrl+enter" if with_ctrl else "enter")

    @property
    def writes_titles(self) -> bool:
        """Whether the model gives conversations their titles."""
        return bool(self._settings.value("window/titles") != "words")

    @writes_titles.setter
    def writes_titles(self, by_model: bool) -> None:
        self._settings.setValue("window/titles", "model" if by_model else "words")

    @property
    def model(self) -> str:
        """The model that was chosen last; empty at the first start."""
        value = self._settings.value("model/current")
        return value if isinstance(value, str) else ""

    @model.setter
    def model(self, model: str) -> None:
        self._settings.setValue("model/current", model)

    @property
    def recent_models(self) -> list[str]:
        """Files that were opened, the newest first."""
        return _texts(self._settings.value("model/recent"))

    @recent_models.setter
    def recent_models(self, models: list[str]) -> None:
        self._settings.setValue("model/recent", models)

    @property
    def unfinished_downloads(self) -> list[str]:
        """What was being fetched when the window was closed, as JSON."""
        return _texts(self._settings.value("downloads/unfinished"))

    @unfinished_downloads.setter
    def unfinished_downloads(self, unfinished: list[str]) -> None:
        self._settings.setValue("downloads/unfinished", unfinished)

    def sync(self) -> None:
        """Write the file now."""
        self._settings.sync()


def _texts(value: object) -> list[str]:
    """A list of texts; an INI list of one comes back as a plain text."""
    if isinstance(value, str):
        return [value] if value else []
    return [str(text) for text in value] if isinstance(value, list) else []

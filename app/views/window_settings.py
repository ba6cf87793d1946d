"""What only the window knows, kept in an INI file: geometry, theme, the model that was used last."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from app.theme.theme import THEME_CHOICES, ThemeChoice


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
    def theme(self) -> ThemeChoice:
        """Light, dark or the system's."""
        value = self._settings.value("window/theme")
        return next((choice for choice in THEME_CHOICES if choice == value), "system")

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._settings.setValue("window/theme", choice)

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
        value = self._settings.value("model/recent")
        if isinstance(value, str):  # an INI list of one comes back as a plain string
            return [value] if value else []
        return [str(model) for model in value] if isinstance(value, list) else []

    @recent_models.setter
    def recent_models(self, models: list[str]) -> None:
        self._settings.setValue("model/recent", models)

    def sync(self) -> None:
        """Write the file now."""
        self._settings.sync()

"""Whether the network may be asked: what the setting says, and the one way to change it from a page."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_preferences import EnginePreferences


class NetworkGate(QObject):
    """Closed until the host has said that it is open."""

    changed = Signal()

    def __init__(self, preferences: EnginePreferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._was_open = False
        preferences.changed.connect(self._follow)

    @property
    def is_open(self) -> bool:
        """Whether a request needs no leave of its own."""
        settings = self._preferences.settings
        return settings is not None and not settings.offline

    def open(self) -> None:
        """Allow the network from now on, as the setting does."""
        self._preferences.change("offline", False)

    def close(self) -> None:
        """Forbid it again."""
        self._preferences.change("offline", True)

    def _follow(self) -> None:
        if self.is_open != self._was_open:
            self._was_open = self.is_open
            self.changed.emit()

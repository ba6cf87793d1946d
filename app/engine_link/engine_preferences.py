"""The engine's settings as the host tells them, and the way to change one."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings, SettingValue


class EnginePreferences(QObject):
    """Follows the host, whoever changes a setting; `settings` is None until the host has answered once."""

    changed = Signal()
    refused = Signal(object)  # EngineError; the setting is as it was

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        self._asked: set[str] = set()
        self.settings: EngineSettings | None = None
        client.settings_listed.connect(self._take)
        client.failed.connect(self._note_failure)

    def refresh(self) -> None:
        """Ask for the settings."""
        self._asked.add(self._client.list_settings())

    def change(self, name: str, value: SettingValue | None) -> None:
        """Change a setting, None sets its default; `changed` or `refused` tells the end."""
        self._asked.add(self._client.change_setting(name, value))

    def change_load(self, model: str, load: LoadParams | None) -> None:
        """Change how a model is loaded from now on, None forgets it."""
        self._asked.add(self._client.change_load(model, load))

    def _take(self, request_id: str, settings: EngineSettings) -> None:
        self._asked.discard(request_id)
        self.settings = settings
        self.changed.emit()

    def _note_failure(self, request_id: str, error: EngineError) -> None:
        if request_id in self._asked:
            self._asked.discard(request_id)
            self.refused.emit(error)

"""How much memory this computer has, and how much of it is free now."""

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.model_room import Memory
from engine.contract.settings_messages import StatusListed

MIB = 2**20


class MachineMemory(QObject):
    """What the host said last."""

    changed = Signal()

    def __init__(
        self, client: EngineClient, preferences: EnginePreferences, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._preferences = preferences
        self._available_bytes = 0
        self._total_bytes = 0
        client.status_listed.connect(self._take)

    @property
    def now(self) -> Memory:
        """All 0 until the host has answered."""
        settings = self._preferences.settings
        return Memory(
            available_bytes=self._available_bytes,
            total_bytes=self._total_bytes,
            reserve_bytes=settings.memory_reserve_mib * MIB if settings is not None else 0,
        )

    def refresh(self) -> None:
        """Ask the host."""
        self._client.ask_status()

    def _take(self, _request_id: str, status: StatusListed) -> None:
        memory_of_models = sum(worker.memory_bytes for worker in status.workers)
        self._available_bytes = status.available_bytes + memory_of_models
        self._total_bytes = status.total_bytes
        self.changed.emit()

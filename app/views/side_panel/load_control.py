"""Joins the load box with the model that is chosen: what it is loaded with, and loading it again."""

from PySide6.QtCore import QObject

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.views.side_panel.load_box import LoadBox
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams
from engine.contract.settings_messages import StatusListed


class LoadControl(QObject):
    """Load params are kept by the host, one set for each model."""

    def __init__(
        self,
        box: LoadBox,
        *,
        choice: ModelChoice,
        library: ModelLibrary,
        preferences: EnginePreferences,
        client: EngineClient,
    ) -> None:
        super().__init__(box)
        self._box = box
        self._choice = choice
        self._library = library
        self._preferences = preferences
        self._client = client
        self._shown: LoadedModel | None = None
        box.load_requested.connect(self._load_again)
        choice.changed.connect(self._show)
        library.changed.connect(self._show)
        preferences.changed.connect(self._show)
        client.status_listed.connect(self._show_status)
        self._show()

    @property
    def _name(self) -> str:
        """The name under which the host keeps the params of the model that is chosen."""
        installed = self._library.find(self._choice.current)
        return installed.name if installed is not None else self._choice.current

    def _show(self) -> None:
        settings, loaded = self._preferences.settings, self._choice.loaded
        kept = settings.load.get(self._name) if settings is not None else None
        self._box.show_model(loaded, kept or LoadParams())
        installed = self._library.find(self._choice.current)
        if installed is not None:
            self._box.show_abilities(installed.engines, has_experts="moe" in installed.capabilities)
        else:
            self._box.show_abilities((), has_experts=False)
        if loaded is not self._shown:
            self._shown = loaded
            self._client.ask_status()

    def _show_status(self, _request_id: str, status: StatusListed) -> None:
        self._box.show_available(status.available_bytes)

    def _load_again(self, load: LoadParams) -> None:
        self._preferences.change_load(self._name, load)
        self._choice.load_again()

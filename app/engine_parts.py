"""The engine behind the window besides its answers: packs, searches for settings, what has to be said."""

from PySide6.QtCore import QObject

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_packs import EnginePacks
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.engine_link.tuning import Tuning
from app.engine_words import notice_words
from app.speed_words import speed_words
from app.theme.theme import Theme
from app.translation import tr
from app.views.main_window import MainWindow
from app.views.tuning.tune_control import TuneControl
from engine.contract.pack_messages import EngineNotice
from engine.contract.tuning_messages import SpeedNotice


class EngineParts(QObject):
    """What is said stands in the banner above every page until it is dismissed."""

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        *,
        client: EngineClient,
        choice: ModelChoice,
        library: ModelLibrary,
        preferences: EnginePreferences,
    ) -> None:
        super().__init__(window)
        self._window = window
        self.packs = EnginePacks(client, self)
        self.tuning = Tuning(client, self)
        self.tune = TuneControl(
            window,
            tuning=self.tuning,
            choice=choice,
            library=library,
            preferences=preferences,
            theme=theme,
        )
        client.speed_noticed.connect(self.tell_speed)
        self.packs.noticed.connect(self.tell_engine)
        self.packs.switched.connect(self.tuning.look_again)

    def tell_speed(self, notice: SpeedNotice) -> None:
        """Say that a model is slower than it was, or off its GPU, and what is different."""
        self._window.banner.warn(speed_words(notice), (tr("Look at the engine"), self._show_engine))

    def tell_engine(self, notice: EngineNotice) -> None:
        """Say that an engine failed and which one took its place."""
        self._window.banner.warn(notice_words(notice), (tr("Look at the engine"), self._show_engine))

    def _show_engine(self) -> None:
        self._window.settings_requested.emit("engine")

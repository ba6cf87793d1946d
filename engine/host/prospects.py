"""What is known of a load before it begins, looked up aside: its forecast, or another where it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import EngineError
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings
from engine.hardware.fit_ledger import Forecast
from engine.host.asides import Asides
from engine.host.fit_adviser import FitAdviser
from engine.host.worker_slot import ModelKey
from engine.library.backend_choice import packages_for
from engine.library.places import ModelPlace


@dataclass(frozen=True, slots=True)
class Prospect:
    """How a model will be loaded; nothing of a model for tests."""

    forecast: Forecast | None = None
    needed_bytes: int = 0  # of RAM
    packages: Path | None = None  # of a component that its worker needs


Then = Callable[[Prospect | EngineError], None]  # on the deciding thread


class Prospects:
    """Asks the adviser on threads of their own."""

    def __init__(self, adviser: FitAdviser, asides: Asides, paths: Paths) -> None:
        """Nothing is asked yet."""
        self._adviser, self._asides, self._paths = adviser, asides, paths

    def look_at(
        self, place: ModelPlace | None, load: LoadParams, settings: EngineSettings, then: Then
    ) -> None:
        """Check a model's files and forecast its load."""

        def look() -> Prospect:
            if place is None:
                return Prospect()
            place.check()
            packages = packages_for(str(place.path), load, self._paths)
            forecast = self._adviser.forecast_load(place.path, load, settings)
            assert forecast is not None, "something is always tried first"
            return Prospect(forecast, self._adviser.needed_bytes(forecast), packages)

        self._start("look-at-model", look, then)

    def look_again(
        self,
        key: ModelKey,
        settings: EngineSettings,
        then: Then,
        *,
        tried: tuple[LoadParams, ...],
        error: EngineError,
    ) -> None:
        """Forecast another placement than those tried; it is the error where none is left."""

        def look() -> Prospect:
            forecast = self._adviser.forecast_load(Path(key.model), key.load, settings, tried)
            if forecast is None:
                raise error
            packages = packages_for(key.model, key.load, self._paths)
            return Prospect(forecast, self._adviser.needed_bytes(forecast), packages)

        self._start("look-again", look, then)

    def note_taken(self, key: ModelKey, forecast: Forecast, loaded: LoadedModel) -> None:
        """Let the next forecasts learn from this load."""

        def note() -> Callable[[], None]:
            self._adviser.note_loaded(Path(key.model), key.load, forecast, loaded)
            return lambda: None

        self._asides.start("note-load", note)

    def _start(self, name: str, look: Callable[[], Prospect], then: Then) -> None:
        def work() -> Callable[[], None]:
            try:
                found: Prospect | EngineError = look()
            except EngineError as error:
                found = error
            return lambda: then(found)

        self._asides.start(name, work)

"""The library's requests, each answered on a thread of its own: headers and copies take their time."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from engine.contract.bin_messages import BinQuestion
from engine.contract.catalogue_messages import (
    CatalogueListed,
    CatalogueQuestion,
    CatalogueRequest,
    NetworkLogListed,
    NetworkLogRequest,
)
from engine.contract.elsewhere_messages import (
    AdoptRequest,
    ElsewhereFound,
    ElsewhereQuestion,
    ElsewhereRequest,
    ModelsAdopted,
)
from engine.contract.errors import EngineError, StorageFailed
from engine.contract.library_messages import (
    ImportProgress,
    ImportRequest,
    LibraryRequest,
    ModelImported,
    ModelsListed,
    ModelsRequest,
    ModelsVerified,
    VerifyProgress,
    VerifyRequest,
)
from engine.contract.messages import Event, FinishedEvent
from engine.contract.model_info import InstalledModel
from engine.contract.paths import Paths
from engine.contract.place_messages import (
    LibraryPlaceRequest,
    MoveLibraryRequest,
    MoveProgress,
    PlaceQuestion,
)
from engine.contract.provenance_messages import ProvenanceRequest, ProvenanceTold
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDropped,
    UnfinishedListed,
    UnfinishedQuestion,
    UnfinishedRequest,
)
from engine.host.answering import answered
from engine.host.asides import Asides, Post
from engine.host.bin_desk import answer_bin, remove
from engine.host.place_desk import answer_place
from engine.library.adopt import adopt, models_elsewhere
from engine.library.bin import ModelBin
from engine.library.catalogue import read_catalogue
from engine.library.importing import ImportCancelled, import_copy, import_reference
from engine.library.installed import InstalledModels
from engine.library.measured_speeds import LEAST_TOKENS, MeasuredSpeeds
from engine.library.moving import MoveCancelled, finish_move
from engine.library.network_log import NetworkLog
from engine.library.places import ModelPlace, find_model, list_places, names_to_type
from engine.library.provenance import provenance_of
from engine.library.unfinished import drop_unfinished, list_unfinished
from engine.library.use_times import UseTimes
from engine.library.verify import VerifyCancelled, verify_models

PROGRESS_STEP = 0.005

log = logging.getLogger("retort.host")

_Question = (
    LibraryRequest | CatalogueQuestion | UnfinishedQuestion | ElsewhereQuestion | BinQuestion | PlaceQuestion
)


class LibraryDesk:
    """Lists, imports and removes models."""

    def __init__(self, paths: Paths, emit: Callable[[Event], None], post: Post, asides: Asides) -> None:
        """Nothing is read yet."""
        self._paths, self._emit, self._post, self._asides = paths, emit, post, asides
        self._installed = InstalledModels(paths)
        self._use_times = UseTimes(paths.use_times)
        self._speeds = MeasuredSpeeds(paths.measured_speeds)
        self._listing = threading.Lock()
        self._long_ones: dict[str, threading.Event] = {}  # request id → whether it was cancelled

    def start(self) -> None:
        """Finish what an ended process had begun, and delete what has lain in the bin long enough."""

        def work() -> Callable[[], None]:
            try:
                finish_move(self._paths)
                ModelBin(self._paths).settle()
            except (EngineError, OSError):
                log.warning("the bin or a move could not be looked after", exc_info=True)
            return lambda: None

        self._asides.start("bin", work)

    def find(self, model: str, folders: Collection[str]) -> ModelPlace:
        """The model of a name or path; raises ModelNotFound or ModelAmbiguous."""
        return find_model(model, self._paths, tuple(folders))

    def note_loaded(self, path: str) -> None:
        """Keep when a model was loaded last; nobody waits for it."""

        def work() -> Callable[[], None]:
            try:
                self._use_times.note(Path(path), time.time())
            except (StorageFailed, OSError):
                log.warning("it could not be noted that %s was loaded", path, exc_info=True)
            return lambda: None

        self._asides.start("use-times", work)

    def note_answer(self, event: FinishedEvent) -> None:
        """Keep how fast an engine has answered, where the answer tells; nobody waits for it."""
        loaded, usage = event.loaded, event.usage
        tells = usage.completion_tokens >= LEAST_TOKENS and not usage.drafted_tokens
        if loaded is None or loaded.backend == "fake" or loaded.weight_type != "auto" or not tells:
            return

        def work() -> Callable[[], None]:
            try:
                self._speeds.note(Path(loaded.info.path), loaded.backend, usage.decode_tps)
            except (StorageFailed, OSError):
                log.warning("the speed of %s could not be noted", loaded.info.name, exc_info=True)
            return lambda: None

        self._asides.start("speeds", work)

    def ask(
        self,
        request: _Question,
        folders: tuple[str, ...],
        loaded: Collection[Path],
    ) -> None:
        """Answer a request; `folders` are those of the settings, `loaded` the files in use."""
        if isinstance(request, ImportRequest | VerifyRequest | MoveLibraryRequest):
            self._long_ones[request.request_id] = threading.Event()

        def work() -> Callable[[], None]:
            def read() -> Event:
                try:
                    return self._answer(request, folders, loaded)
                except (ImportCancelled, VerifyCancelled, MoveCancelled):
                    return FinishedEvent(request_id=request.request_id, reason="cancelled")

            answer = answered(request.request_id, read)
            return lambda: self._finish(answer)

        self._asides.start("library", work)

    def cancel(self, request_id: str) -> None:
        """Stop a copy or a check, if the request is one."""
        if request_id in self._long_ones:
            self._long_ones[request_id].set()

    def close(self) -> None:
        """Stop every copy and check."""
        for cancelled in self._long_ones.values():
            cancelled.set()

    def _answer(
        self,
        request: _Question,
        folders: tuple[str, ...],
        loaded: Collection[Path],
    ) -> Event:
        if isinstance(request, UnfinishedRequest | DropUnfinishedRequest):
            return self._unfinished(request)
        if isinstance(request, ElsewhereRequest):
            return ElsewhereFound(
                request_id=request.request_id, models=models_elsewhere(self._paths, folders)
            )
        if isinstance(request, AdoptRequest):
            return self._adopt(request, folders)
        if isinstance(request, ModelsRequest):
            with self._listing:
                models = self._installed.all(folders, loaded)
            used = self._use_times.all()
            models = tuple(replace(one, used_at=used.get(one.path, 0.0)) for one in models)
            return ModelsListed(request_id=request.request_id, models=models)
        if isinstance(request, CatalogueRequest):
            catalogue = read_catalogue()
            return CatalogueListed(
                request_id=request.request_id, models=catalogue.models, checked=catalogue.checked
            )
        if isinstance(request, NetworkLogRequest):
            entries = tuple(NetworkLog(self._paths.network_log).entries())
            return NetworkLogListed(request_id=request.request_id, entries=entries)
        if isinstance(request, ImportRequest):
            return self._import(request, folders)
        if isinstance(request, VerifyRequest):
            return self._verify(request, folders)
        if isinstance(request, ProvenanceRequest):
            asked = find_model(request.model, self._paths, folders)
            provenance = provenance_of(asked, list_places(self._paths, folders))
            return ProvenanceTold(request_id=request.request_id, model=asked.name, provenance=provenance)
        if isinstance(request, BinQuestion):
            return answer_bin(request, self._paths, lambda path: self._entry(path, folders))
        if isinstance(request, LibraryPlaceRequest | MoveLibraryRequest):
            return self._place(request, loaded)
        return remove(request, self._paths, folders, loaded)

    def _place(self, request: PlaceQuestion, loaded: Collection[Path]) -> Event:
        tell = self._in_steps(lambda done: MoveProgress(request_id=request.request_id, fraction=done))
        cancelled = self._long_ones.get(request.request_id, threading.Event()).is_set
        return answer_place(request, self._paths, loaded, progress=tell, cancelled=cancelled)

    def _entry(self, path: Path, folders: tuple[str, ...]) -> InstalledModel:
        """The model at a path as it is listed."""
        place = find_model(str(path), self._paths, folders)
        short_name = names_to_type(list_places(self._paths, folders))[place.name]
        with self._listing:
            return replace(self._installed.one(place), short_name=short_name)

    def _unfinished(self, request: UnfinishedQuestion) -> Event:
        if isinstance(request, UnfinishedRequest):
            downloads = list_unfinished(self._paths.partial)
            return UnfinishedListed(request_id=request.request_id, downloads=downloads)
        files, freed_bytes = drop_unfinished(
            self._paths.partial, request.files, older_than_days=request.older_than_days
        )
        return UnfinishedDropped(request_id=request.request_id, files=files, freed_bytes=freed_bytes)

    def _adopt(self, request: AdoptRequest, folders: tuple[str, ...]) -> Event:
        places, problems = adopt(request.paths, self._paths, folders)
        short = names_to_type(list_places(self._paths, folders))
        with self._listing:
            models = tuple(replace(self._installed.one(p), short_name=short[p.name]) for p in places)
        return ModelsAdopted(request_id=request.request_id, models=models, problems=problems)

    def _import(self, request: ImportRequest, folders: tuple[str, ...]) -> Event:
        path = Path(request.path)
        tell = self._in_steps(lambda done: ImportProgress(request_id=request.request_id, fraction=done))
        if request.copy:
            cancelled = self._long_ones[request.request_id].is_set
            place = import_copy(path, self._paths, folders, progress=tell, cancelled=cancelled)
        else:
            place = import_reference(path, self._paths, folders)
        return ModelImported(request_id=request.request_id, model=self._entry(place.path, folders))

    def _verify(self, request: VerifyRequest, folders: tuple[str, ...]) -> Event:
        place = find_model(request.model, self._paths, folders) if request.model else None
        tell = self._in_steps(lambda done: VerifyProgress(request_id=request.request_id, fraction=done))
        cancelled = self._long_ones[request.request_id].is_set
        models = verify_models(self._paths, place, progress=tell, cancelled=cancelled)
        return ModelsVerified(request_id=request.request_id, models=models)

    def _in_steps(self, event: Callable[[float], Event]) -> Callable[[float], None]:
        """Emits an event for a fraction, and not for every one."""
        last = 0.0

        def tell(fraction: float) -> None:
            nonlocal last
            if fraction - last >= PROGRESS_STEP:
                last = fraction
                self._post(lambda: self._emit(event(fraction)))

        return tell

    def _finish(self, answer: Event) -> None:
        self._long_ones.pop(answer.request_id, None)
        self._emit(answer)

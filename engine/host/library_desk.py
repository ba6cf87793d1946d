"""The library's requests, each answered on a thread of its own: headers and copies take their time."""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from engine.contract.errors import EngineError, InternalError, ModelInUse
from engine.contract.messages import (
    ErrorEvent,
    Event,
    FinishedEvent,
    ImportProgress,
    ImportRequest,
    LibraryRequest,
    ModelImported,
    ModelRemoved,
    ModelsListed,
    ModelsRequest,
)
from engine.contract.paths import Paths
from engine.contract.verify_messages import ModelsVerified, VerifyProgress, VerifyRequest
from engine.host.asides import Asides, Post
from engine.library.importing import ImportCancelled, import_copy, import_reference, remove_model
from engine.library.installed import InstalledModels
from engine.library.places import ModelPlace, find_model, list_places, names_to_type
from engine.library.verify import VerifyCancelled, verify_models

PROGRESS_STEP = 0.005

log = logging.getLogger("retort.host")


class LibraryDesk:
    """Lists, imports and removes models."""

    def __init__(self, paths: Paths, emit: Callable[[Event], None], post: Post, asides: Asides) -> None:
        """Nothing is read yet."""
        self._paths, self._emit, self._post, self._asides = paths, emit, post, asides
        self._installed = InstalledModels(paths)
        self._listing = threading.Lock()
        self._long_ones: dict[str, threading.Event] = {}  # request id → whether it was cancelled

    def find(self, model: str, folders: Collection[str]) -> ModelPlace:
        """The model of a name or path; raises ModelNotFound or ModelAmbiguous."""
        return find_model(model, self._paths, tuple(folders))

    def ask(self, request: LibraryRequest, folders: tuple[str, ...], loaded: Collection[Path]) -> None:
        """Answer a request; `folders` are those of the settings, `loaded` the files in use."""
        if isinstance(request, ImportRequest | VerifyRequest):
            self._long_ones[request.request_id] = threading.Event()

        def work() -> Callable[[], None]:
            try:
                answer = self._answer(request, folders, loaded)
            except (ImportCancelled, VerifyCancelled):
                answer = FinishedEvent(request_id=request.request_id, reason="cancelled")
            except EngineError as error:
                answer = ErrorEvent(
                    request_id=request.request_id,
                    code=error.code,
                    message=error.message,
                    details=error.details,
                )
            except Exception as error:  # the thread's edge: logged, and said to whoever asked
                log.exception("a request of the library failed")
                answer = ErrorEvent(
                    request_id=request.request_id,
                    code=InternalError.code,
                    message=f"{type(error).__name__}: {error}",
                )
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

    def _answer(self, request: LibraryRequest, folders: tuple[str, ...], loaded: Collection[Path]) -> Event:
        if isinstance(request, ModelsRequest):
            with self._listing:
                models = self._installed.all(folders, loaded)
            return ModelsListed(request_id=request.request_id, models=models)
        if isinstance(request, ImportRequest):
            return self._import(request, folders)
        if isinstance(request, VerifyRequest):
            return self._verify(request, folders)
        place = find_model(request.model, self._paths, folders)
        if place.path in loaded:
            raise ModelInUse(place.name)
        freed_bytes = remove_model(place, self._paths)
        return ModelRemoved(request_id=request.request_id, model=place.name, freed_bytes=freed_bytes)

    def _import(self, request: ImportRequest, folders: tuple[str, ...]) -> Event:
        path = Path(request.path)
        tell = self._in_steps(lambda done: ImportProgress(request_id=request.request_id, fraction=done))
        if request.copy:
            cancelled = self._long_ones[request.request_id].is_set
            place = import_copy(path, self._paths, folders, progress=tell, cancelled=cancelled)
        else:
            place = import_reference(path, self._paths, folders)
        short_name = names_to_type(list_places(self._paths, folders))[place.name]
        with self._listing:
            model = replace(self._installed.one(place), short_name=short_name)
        return ModelImported(request_id=request.request_id, model=model)

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

"""Where the library lies: told, and changed."""

import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from engine.contract.errors import ModelInUse
from engine.contract.messages import Event
from engine.contract.paths import Paths
from engine.contract.place_messages import (
    LibraryMoved,
    LibraryPlaceRequest,
    LibraryPlaceTold,
    MoveLibraryRequest,
    PlaceQuestion,
)
from engine.library.library_files import size_of_folder
from engine.library.moving import begun_move, give_up_move, move_library


def answer_place(
    request: PlaceQuestion,
    paths: Paths,
    loaded: Collection[Path],
    *,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> Event:
    """Answer a question about the library's place; raises ModelInUse and what the library raises."""
    if isinstance(request, LibraryPlaceRequest):
        return _told(request, paths)
    if request.gives_up:
        give_up_move(paths)
        return LibraryMoved(
            request_id=request.request_id, folder=str(paths.library), num_files=0, size_bytes=0
        )
    return _moved(request, paths, loaded, progress, cancelled)


def _moved(
    request: MoveLibraryRequest,
    paths: Paths,
    loaded: Collection[Path],
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> LibraryMoved:
    in_use = next((path for path in loaded if path.is_relative_to(paths.models)), None)
    if in_use is not None:
        raise ModelInUse(str(in_use))
    folder = Path(request.folder).expanduser()
    moved = move_library(folder, paths, progress=progress, cancelled=cancelled)
    return LibraryMoved(
        request_id=request.request_id,
        folder=str(folder),
        num_files=moved.num_files,
        size_bytes=moved.size_bytes,
    )


def _told(request: LibraryPlaceRequest, paths: Paths) -> LibraryPlaceTold:
    library = paths.library
    is_there = library == paths.data or paths.models.is_dir()
    on_disk = next(folder for folder in (library, *library.parents) if folder.exists())
    move = begun_move(paths)
    return LibraryPlaceTold(
        request_id=request.request_id,
        folder=str(library),
        is_there=is_there,
        free_bytes=shutil.disk_usage(on_disk).free if is_there else 0,
        models_bytes=size_of_folder(library, "models"),
        bin_bytes=size_of_folder(library, "bin"),
        partial_bytes=size_of_folder(library, "partial"),
        moving_to=move.target if move is not None else "",
    )

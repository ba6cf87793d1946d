"""The messages about where the library lies: what it takes there, and moving it to another disk."""

from engine.contract.message_base import EventBase, MessageBase


class LibraryPlaceRequest(MessageBase, tag="library_place", frozen=True, kw_only=True):
    """Where the library lies and what it takes; answered by LibraryPlaceTold."""

    request_id: str


class MoveLibraryRequest(MessageBase, tag="move_library", frozen=True, kw_only=True):
    """Move models, bin and unfinished downloads into another folder; answered by MoveProgress, LibraryMoved.

    The same request goes on with a move that was interrupted; a cancelled one ends with FinishedEvent and
    keeps what was copied. With `gives_up` an interrupted move is undone instead: what was copied is deleted.
    """

    request_id: str
    folder: str
    gives_up: bool = False


class LibraryPlaceTold(EventBase, tag="library_place_told", frozen=True, kw_only=True):
    """Where the library lies, in bytes as they are on the disk."""

    folder: str
    is_there: bool  # False where its disk is not connected
    free_bytes: int
    models_bytes: int
    bin_bytes: int
    partial_bytes: int
    moving_to: str = ""  # of a move that has begun and not ended


class MoveProgress(EventBase, tag="move_progress", frozen=True, kw_only=True):
    """How much has been copied."""

    fraction: float


class LibraryMoved(EventBase, tag="library_moved", frozen=True, kw_only=True):
    """The library lies in another folder, or after `gives_up` where it lay."""

    folder: str
    num_files: int
    size_bytes: int


PlaceQuestion = LibraryPlaceRequest | MoveLibraryRequest
PlaceEvent = LibraryPlaceTold | MoveProgress | LibraryMoved

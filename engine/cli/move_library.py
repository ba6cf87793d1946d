"""`retort move-library [FOLDER]`: where the library lies and what it takes, or moving it to another disk."""

import argparse
import json
import sys

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.messages import Event
from engine.contract.place_messages import (
    LibraryMoved,
    LibraryPlaceRequest,
    LibraryPlaceTold,
    MoveLibraryRequest,
    MoveProgress,
)

NAME = "move-library"
HELP = "tell where the models lie, or move them with bin and unfinished downloads into another folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("folder", nargs="?", default="", help="a new or empty folder; again the same to go on")
    add("--give-up", action="store_true", help="delete what an interrupted move has copied")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Tell or move."""
    if not arguments.folder and not arguments.give_up:
        return _tell(as_json=arguments.json)
    request = MoveLibraryRequest(
        request_id=new_request_id(), folder=arguments.folder, gives_up=arguments.give_up
    )
    with EngineSession() as session:
        try:
            moved = session.ask(request, LibraryMoved, _Progress().show)
        except KeyboardInterrupt:
            print("what was copied is kept; the same command goes on from there", file=sys.stderr)
            raise
    if arguments.json:
        told = {"folder": moved.folder, "files": moved.num_files, "size_bytes": moved.size_bytes}
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(f"the library lies in {moved.folder}: {moved.num_files} files, {in_gib(moved.size_bytes)}")
    return 0


def _tell(*, as_json: bool) -> int:
    with EngineSession() as session:
        place = session.ask(LibraryPlaceRequest(request_id=new_request_id()), LibraryPlaceTold)
    if as_json:
        told = msgspec.to_builtins(place)
        print(json.dumps({key: told[key] for key in told if key in _SHOWN}, ensure_ascii=False))
        return 0
    print(place.folder if place.is_there else f"{place.folder}, which is not there: connect its disk")
    print(f"models {in_gib(place.models_bytes)}, bin {in_gib(place.bin_bytes)}", end="")
    print(f", unfinished {in_gib(place.partial_bytes)}, free {in_gib(place.free_bytes)}")
    if place.moving_to:
        print(f"a move has begun: `retort move-library {place.moving_to}` goes on, --give-up undoes it")
    return 0


_SHOWN = ("folder", "is_there", "free_bytes", "models_bytes", "bin_bytes", "partial_bytes", "moving_to")


class _Progress:
    """A line for each tenth."""

    def __init__(self) -> None:
        self._tenth = 0

    def show(self, event: Event) -> None:
        if isinstance(event, MoveProgress) and int(10 * event.fraction) > self._tenth:
            self._tenth = int(10 * event.fraction)
            print(f"copied {10 * self._tenth} %", file=sys.stderr, flush=True)

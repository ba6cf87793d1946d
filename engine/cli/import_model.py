"""`retort import PATH`: take a model into the library, where it lies or as a copy."""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.library_messages import ImportProgress, ImportRequest, ModelImported
from engine.contract.messages import Event

NAME = "import"
HELP = "take a .gguf file (or the first of its parts) or a folder of safetensors into the library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("path", help="the file or folder; it stays where it is and is not changed")
    add("--copy", action="store_true", help="copy it into the models folder, so that it may go elsewhere")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Import and say under which name; raises ModelError, StorageFailed."""
    path = str(Path(arguments.path).expanduser().absolute())
    request = ImportRequest(request_id=new_request_id(), path=path, copy=arguments.copy)
    with EngineSession() as session:
        model = session.ask(request, ModelImported, on_event=_show_progress).model
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(model), ensure_ascii=False))
    else:
        print(f"{model.short_name}  ({model.path})")
    return 0


def _show_progress(event: Event) -> None:
    if isinstance(event, ImportProgress) and sys.stderr.isatty():
        end = "\n" if event.fraction >= 1 else ""
        print(f"\rcopied {100 * event.fraction:.0f} %", end=end, file=sys.stderr, flush=True)

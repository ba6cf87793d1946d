"""`retort verify [MODEL]`: read models again and compare their hashes."""

import argparse
import json
import sys

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.library_messages import ModelsVerified, VerifyProgress, VerifyRequest
from engine.contract.messages import Event
from engine.contract.model_info import VerifiedModel

NAME = "verify"
HELP = "read a model's files, or those of all of them, and compare them with what was fetched or imported"
_WORDS = {
    "sound": "is sound",
    "damaged": "is damaged: {files}. `retort pull` repairs what came from the hub",
    "missing": "is not all there: {files}",
    "unknown": "had no hash to compare with; the one it has now is noted",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", nargs="?", default="", help="one model; without it all that were fetched or imported")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Say what each is; 1 where one is damaged or missing."""
    request_id = new_request_id()
    with EngineSession() as session:
        name = session.find(arguments.model).name if arguments.model else ""
        request = VerifyRequest(request_id=request_id, model=name)
        models = session.ask(request, ModelsVerified, on_event=_show_progress).models
    if arguments.json:
        print(json.dumps({"models": msgspec.to_builtins(models)}, ensure_ascii=False))
    else:
        for model in models:
            print(f"{model.name} {_in_words(model)}")
    return 1 if any(model.verdict in ("damaged", "missing") for model in models) else 0


def _in_words(model: VerifiedModel) -> str:
    return _WORDS[model.verdict].format(files=", ".join(model.files))


def _show_progress(event: Event) -> None:
    if isinstance(event, VerifyProgress) and sys.stderr.isatty():
        end = "\n" if event.fraction >= 1 else ""
        print(f"\rread {100 * event.fraction:.0f} %", end=end, file=sys.stderr, flush=True)

"""`retort restore NAME`: bring a removed model back from the bin."""

import argparse
import json

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.bin_messages import BinListed, BinnedModel, BinRequest, ModelRestored, RestoreRequest
from engine.contract.errors import ModelNotFound

NAME = "restore"
HELP = "bring a removed model back from the bin"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", help="its name as `retort bin` lists it, or the end of it; of several the one removed last")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Restore it and say where it is."""
    with EngineSession() as session:
        models = session.ask(BinRequest(request_id=new_request_id()), BinListed).models
        request = RestoreRequest(request_id=new_request_id(), entry=_named(arguments.model, models).entry)
        restored = session.ask(request, ModelRestored).model
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(restored), ensure_ascii=False))
    else:
        print(f"{restored.name} is in the library again ({restored.path})")
    return 0


def _named(wanted: str, models: tuple[BinnedModel, ...]) -> BinnedModel:
    ending = f"/{wanted.lower()}"
    for model in models:
        if wanted == model.entry or f"/{model.name.lower()}".endswith(ending):
            return model
    raise ModelNotFound(wanted)

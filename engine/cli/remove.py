"""`retort remove MODEL`: put a model into the bin; with --for-good delete it, after asking."""

import argparse
import json
import sys

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.errors import ModelNotFound
from engine.contract.library_messages import ModelRemoved, ModelsListed, ModelsRequest, RemoveRequest
from engine.contract.model_info import InstalledModel

NAME = "remove"
HELP = "put a model into the bin, or forget one that was imported where it lies; `restore` undoes it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", help=MODEL_HELP)
    add("--for-good", action="store_true", help="delete it at once; asks")
    add("--yes", action="store_true", help="do not ask")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Remove and say what was given back; 1 where the user says no."""
    with EngineSession() as session:
        models = session.ask(ModelsRequest(request_id=new_request_id()), ModelsListed).models
        model = _chosen(models, session.find(arguments.model).name)
        if arguments.for_good and not arguments.yes and not _agreed(model):
            return 1
        request = RemoveRequest(request_id=new_request_id(), model=model.name, for_good=arguments.for_good)
        removed = session.ask(request, ModelRemoved)
    if arguments.json:
        print(json.dumps(_as_json(removed)))
    elif removed.freed_bytes:
        print(f"{removed.model} is deleted, {in_gib(removed.freed_bytes)} are free again")
    elif removed.entry and model.origin == "library":
        print(f"{removed.model} is in the bin; `retort restore {removed.model}` brings it back")
    else:
        print(f"{removed.model} is forgotten; its files are where they were")
    return 0


def _as_json(removed: ModelRemoved) -> dict[str, object]:
    return {"model": removed.model, "freed_bytes": removed.freed_bytes, "entry": removed.entry}


def _chosen(models: tuple[InstalledModel, ...], name: str) -> InstalledModel:
    for model in models:
        if model.name == name:
            return model
    raise ModelNotFound(name)


def _agreed(model: InstalledModel) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("nobody can be asked here; --yes removes without asking")
    if model.origin == "reference":
        question = f"Forget {model.name}? {model.path} stays where it is."
    else:
        question = f"Delete {model.path} ({in_gib(model.size_bytes)}) for good?"
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

"""`retort adopt [NAME …]`: models that other applications keep here, used from where they lie."""

import argparse
import json
import sys

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.elsewhere_messages import (
    AdoptRequest,
    ElsewhereFound,
    ElsewhereModel,
    ElsewhereRequest,
    ModelsAdopted,
)

NAME = "adopt"
HELP = (
    "list the models of LM Studio, Ollama, Jan, GPT4All, llama.cpp and Hugging Face, or use them from there"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="which of those that are listed; without any it only lists")
    add("--all", action="store_true", help="every one of them")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List, or take in; 1 where one of those named could not be taken."""
    with EngineSession() as session:
        models = session.ask(ElsewhereRequest(request_id=new_request_id()), ElsewhereFound).models
        if not arguments.names and not arguments.all:
            _say_found(models, as_json=arguments.json)
            return 0
        chosen = models if arguments.all else tuple(_named(name, models) for name in arguments.names)
        request = AdoptRequest(
            request_id=new_request_id(), paths=tuple(model.path for model in chosen if not model.is_here)
        )
        adopted = session.ask(request, ModelsAdopted)
    if arguments.json:
        told = {"models": adopted.models, "problems": adopted.problems}
        print(json.dumps(msgspec.to_builtins(told), ensure_ascii=False))
    else:
        for model in adopted.models:
            print(f"{model.short_name}  ({model.path})")
    for problem in adopted.problems:
        print(f"not taken in: {problem.path}: {problem.reason}", file=sys.stderr)
    return 1 if adopted.problems else 0


def _named(name: str, models: tuple[ElsewhereModel, ...]) -> ElsewhereModel:
    for model in models:
        if name in (model.name, model.path):
            return model
    raise ValueError(f"no other application keeps {name!r} here; `retort adopt` lists what they keep")


def _say_found(models: tuple[ElsewhereModel, ...], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"elsewhere": msgspec.to_builtins(models)}, ensure_ascii=False))
        return
    width = max((len(model.name) for model in models), default=0)
    for model in models:
        here = "  in the library" if model.is_here else ""
        size = in_gib(model.size_bytes)
        print(f"{model.application:12}  {model.name.ljust(width)}  {size:>10}{here}")
    if not models:
        print("no other application keeps models where they are looked for")

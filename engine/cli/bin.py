"""`retort bin`: models that were removed, and giving their room back."""

import argparse
import json
import time

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.bin_messages import BinEmptied, BinListed, BinnedModel, BinRequest, EmptyBinRequest

NAME = "bin"
HELP = "list the models that were removed and can be restored, or delete them for good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--empty", action="store_true", help="delete them for good")
    add("--older-than", type=float, default=0.0, metavar="DAYS", help="only what was removed so long ago")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List or delete."""
    if arguments.older_than < 0:
        raise ValueError(f"--older-than is a number of days, got {arguments.older_than}")
    with EngineSession() as session:
        if arguments.empty:
            request = EmptyBinRequest(request_id=new_request_id(), older_than_days=arguments.older_than)
            emptied = session.ask(request, BinEmptied)
            _say_emptied(emptied, as_json=arguments.json)
            return 0
        models = session.ask(BinRequest(request_id=new_request_id()), BinListed).models
    latest = time.time() - arguments.older_than * 86_400
    models = tuple(model for model in models if model.removed_at <= latest)
    if arguments.json:
        print(json.dumps({"bin": msgspec.to_builtins(models)}, ensure_ascii=False))
        return 0
    for model in models:
        print(_in_words(model))
    total = sum(model.size_bytes for model in models)
    print(f"{in_gib(total)} in all; `retort restore NAME` brings one back" if models else "the bin is empty")
    return 0


def _say_emptied(emptied: BinEmptied, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"deleted": emptied.entries, "freed_bytes": emptied.freed_bytes}))
    else:
        print(f"{len(emptied.entries)} deleted, {in_gib(emptied.freed_bytes)} given back")


def _in_words(model: BinnedModel) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(model.removed_at))
    return f"{moment}  {model.name}  {in_gib(model.size_bytes)}, {model.days_left:.0f} days left"

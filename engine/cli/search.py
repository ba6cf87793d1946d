"""`retort search WORDS`: find models on the hub."""

import argparse
import json

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.pull import ONLINE_HELP
from engine.contract.hub_messages import HubModel, HubModelsFound, SearchRequest

NAME = "search"
HELP = "look for models on Hugging Face"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="parts of the name")
    add("--limit", type=int, default=20, help="so many at most (20)")
    add("--online", action="store_true", help=ONLINE_HELP)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List what is found, the most downloaded first."""
    if not 1 <= arguments.limit <= 100:
        raise ValueError(f"--limit is from 1 to 100, got {arguments.limit}")
    request = SearchRequest(
        request_id=new_request_id(),
        words=" ".join(arguments.words),
        limit=arguments.limit,
        online=arguments.online,
    )
    with EngineSession() as session:
        models = session.ask(request, HubModelsFound).models
    if arguments.json:
        print(json.dumps({"models": msgspec.to_builtins(models)}, ensure_ascii=False))
        return 0
    width = max((len(model.repository) for model in models), default=0)
    for model in models:
        print(f"{model.repository.ljust(width)}  {_facts(model)}".rstrip())
    return 0


def _facts(model: HubModel) -> str:
    facts = [f"{model.downloads:,} downloads", model.license, model.updated[:10]]
    if model.is_gated:
        facts.append("asks to agree to its terms")
    return ", ".join(filter(None, facts))

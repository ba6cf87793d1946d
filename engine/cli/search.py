"""`retort search WORDS`: find models on the hub."""

import argparse
import json
from typing import get_args

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.pull import ONLINE_HELP
from engine.contract.hub_messages import HubFormat, HubModel, HubModelsFound, SearchOrder, SearchRequest

NAME = "search"
HELP = "look for models on Hugging Face"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="parts of the name")
    add("--limit", type=int, default=20, help="so many at most (20)")
    add(
        "--order",
        choices=get_args(SearchOrder),
        default="downloads",
        help="most first, or newest (downloads)",
    )
    add("--format", choices=get_args(HubFormat), default="gguf", help="kind of files (gguf)")
    add("--online", action="store_true", help=ONLINE_HELP)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List what is found."""
    if not 1 <= arguments.limit <= 100:
        raise ValueError(f"--limit is from 1 to 100, got {arguments.limit}")
    request = SearchRequest(
        request_id=new_request_id(),
        words=" ".join(arguments.words),
        limit=arguments.limit,
        order=arguments.order,
        format=arguments.format,
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
    facts = [f"{model.downloads:,} downloads", model.license, model.updated[:10], model.architecture]
    if model.parameters:
        active = f", {in_billions(model.active_parameters)} of them active" if model.active_parameters else ""
        facts.append(f"{in_billions(model.parameters)} parameters{active}")
    facts.append(" ".join(model.quantizations))
    if model.is_gated:
        facts.append("asks to agree to its terms")
    return ", ".join(filter(None, facts))


def in_billions(parameters: int) -> str:
    """A count of parameters as people say it: 0.6 B, 30 B."""
    billions = parameters / 1e9
    return f"{billions:.1f} B" if billions < 10 else f"{billions:.0f} B"

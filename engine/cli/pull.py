"""`retort pull REPO[/FILE]`: fetch a model from the hub, or say which ones a repository holds."""

import argparse
import json
import sys

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import companion_line, in_gib
from engine.cli.transfer_lines import TransferLines
from engine.contract.errors import EngineError
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    HubGroup,
    ModelPulled,
    PullRequest,
)

NAME = "pull"
HELP = "fetch a model from Hugging Face into the library"
ONLINE_HELP = "allow the network for this call, also where the settings say offline"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", help="publisher/repository, then /FILE: a file's name, or a quantization such as Q4_K_M")
    add(
        "--with",
        dest="companions",
        action="append",
        default=[],
        metavar="COMPANION",
        help="fetch this with it: projector, drafter, adapter, or a name; may be given several times",
    )
    add("--revision", default="", help="a branch, tag or commit; without it the main one")
    add("--online", action="store_true", help=ONLINE_HELP)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Fetch; where a repository holds several models and none is named, list them and return 2."""
    publisher, _, rest = arguments.model.partition("/")
    repository, _, file = rest.partition("/")
    repository = f"{publisher}/{repository}"
    with EngineSession() as session:
        revision = arguments.revision
        if not file:
            listed = session.ask(
                HubFilesRequest(
                    request_id=new_request_id(),
                    repository=repository,
                    revision=revision,
                    online=arguments.online,
                ),
                HubFilesListed,
            )
            revision = listed.commit
            if len(_models(listed)) > 1:
                _say_choice(listed, as_json=arguments.json)
                return 2
        request = PullRequest(
            request_id=new_request_id(),
            repository=repository,
            file=file,
            companions=tuple(arguments.companions),
            revision=revision,
            online=arguments.online,
        )
        pulled = _pull(session, request)
    if arguments.json:
        print(json.dumps(_as_json(pulled), ensure_ascii=False))
    else:
        print(f"{pulled.model.short_name}  ({pulled.model.path})")
        for companion in pulled.model.companions:
            print(f"  with {companion_line(companion)}")
        _offer(arguments.model, pulled.companions)
    return 0


def _models(listed: HubFilesListed) -> list[HubGroup]:
    return [group for group in listed.groups if group.kind in ("gguf", "checkpoint")]


def _offer(model: str, companions: tuple[HubGroup, ...]) -> None:
    """Say what else there is for the model."""
    for group in companions:
        print(
            f"there is a {group.kind} for it, {in_gib(group.size_bytes)}: "
            f"retort pull {model} --with {group.name.rpartition('/')[2]}",
            file=sys.stderr,
        )


def _pull(session: EngineSession, request: PullRequest) -> ModelPulled:
    """Fetch and show how far it is. Ctrl+C ends it; what has arrived is used by the next call."""
    printer = TransferLines()
    try:
        for event in session.events(request):
            if isinstance(event, ModelPulled):
                return event
            printer.show(event)
    except KeyboardInterrupt:
        printer.end()
        print("what has arrived is kept; the same command goes on from there", file=sys.stderr)
        raise
    finally:
        printer.end()
    raise EngineError("the download was cancelled")


def _say_choice(listed: HubFilesListed, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"repository": listed.repository, "choose": msgspec.to_builtins(listed.groups)}))
        return
    print(f"{listed.repository} holds several models; name one, for example:", file=sys.stderr)
    shown = _models(listed)[0]
    print(f"  retort pull {listed.repository}/{shown.quantization or shown.name}", file=sys.stderr)
    width = max(len(group.quantization) for group in listed.groups)
    for group in listed.groups:
        parts = f"  in {len(group.files)} files" if len(group.files) > 1 else ""
        parts += "" if group.kind in ("gguf", "checkpoint") else f"  ({group.kind}: --with {group.kind})"
        print(f"{group.quantization.ljust(width)}  {in_gib(group.size_bytes):>10}  {group.name}{parts}")


def _as_json(pulled: ModelPulled) -> dict[str, object]:
    model: dict[str, object] = msgspec.to_builtins(pulled.model)
    more = msgspec.to_builtins(pulled.companions)
    return {**model, "fetched_bytes": pulled.fetched_bytes, "companions_on_hub": more}

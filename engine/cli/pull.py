"""`retort pull REPO[/FILE]`: fetch a model from the hub, or say which ones a repository holds."""

import argparse
import json
import sys

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.errors import EngineError
from engine.contract.hub_messages import (
    HubFilesListed,
    HubFilesRequest,
    ModelPulled,
    PullRequest,
    TransferProgress,
)
from engine.contract.messages import Event

NAME = "pull"
HELP = "fetch a model from Hugging Face into the library"
ONLINE_HELP = "allow the network for this call, also where the settings say offline"
_PHASES = {"checking": "checking", "fetching": "fetched", "paused": "paused at", "verifying": "verifying"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", help="publisher/repository, then /FILE: a file's name, or a quantization such as Q4_K_M")
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
            if sum(group.kind != "projector" for group in listed.groups) > 1:
                _say_choice(listed, as_json=arguments.json)
                return 2
        request = PullRequest(
            request_id=new_request_id(),
            repository=repository,
            file=file,
            revision=revision,
            online=arguments.online,
        )
        pulled = _pull(session, request)
    if arguments.json:
        print(json.dumps(_as_json(pulled), ensure_ascii=False))
    else:
        print(f"{pulled.model.short_name}  ({pulled.model.path})")
    return 0


def _pull(session: EngineSession, request: PullRequest) -> ModelPulled:
    """Fetch and show how far it is. Ctrl+C ends it; what has arrived is used by the next call."""
    printer = _ProgressPrinter()
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
    shown = next(group for group in listed.groups if group.kind != "projector")
    print(f"  retort pull {listed.repository}/{shown.quantization or shown.name}", file=sys.stderr)
    width = max(len(group.quantization) for group in listed.groups)
    for group in listed.groups:
        parts = f"  in {len(group.files)} files" if len(group.files) > 1 else ""
        print(f"{group.quantization.ljust(width)}  {in_gib(group.size_bytes):>10}  {group.name}{parts}")


def _as_json(pulled: ModelPulled) -> dict[str, object]:
    model: dict[str, object] = msgspec.to_builtins(pulled.model)
    return {**model, "fetched_bytes": pulled.fetched_bytes}


class _ProgressPrinter:
    """One line on a terminal that is written anew; in a log one line for each tenth."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._is_line_open = False
        self._last = ("", -1)

    def show(self, event: Event) -> None:
        if not isinstance(event, TransferProgress):
            return
        percent = 100 * event.done_bytes // max(1, event.total_bytes)
        line = _in_words(event, percent)
        if self._is_terminal:
            print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)
            self._is_line_open = True
        elif (event.phase, percent // 10) != self._last:
            self._last = event.phase, percent // 10
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._is_line_open:
            self._is_line_open = False
            print(file=sys.stderr)


def _in_words(event: TransferProgress, percent: int) -> str:
    if event.phase == "waiting":
        return f"waiting: {event.notice}"
    line = f"{_PHASES[event.phase]} {percent} % of {in_gib(event.total_bytes)}"
    if event.bytes_per_s:
        line += f", {event.bytes_per_s / 2**20:.1f} MiB/s"
    if event.remaining_s is not None:
        minutes, seconds = divmod(round(event.remaining_s), 60)
        line += f", {minutes}:{seconds:02} left"
    return line

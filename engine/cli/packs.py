"""`retort packs`: the engines that workers run on: llama.cpp built for CPUs, CUDA, Vulkan or Metal."""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.messages import Event, Request
from engine.contract.pack_messages import (
    CheckPackRequest,
    FetchPackRequest,
    InstallPackRequest,
    PackProgress,
    PacksListed,
    PacksRequest,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import BUILTIN_ENGINE, EnginePack

NAME = "packs"
HELP = "list, install, choose and check engine packs: llama.cpp built for other devices"
DOING = ("list", "install", "fetch", "use", "check", "rollback", "remove")
_NEEDS_SUBJECT = ("install", "fetch", "use", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "do",
        nargs="?",
        choices=DOING,
        default="list",
        help="list (default), install FILE, fetch ID, use ID (or `auto`, `builtin`), check [ID], rollback, "
        "remove ID",
    )
    parser.add_argument("subject", nargs="?", default="", metavar="FILE|ID", help="what to do it with")
    parser.add_argument("--online", action="store_true", help="allow the network for this call")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Do it, then print how things stand."""
    if arguments.do in _NEEDS_SUBJECT and not arguments.subject:
        raise ValueError(f"`retort packs {arguments.do}` needs to know which")
    with EngineSession() as session:
        listed = session.ask(_request(arguments), PacksListed, on_event=_show)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(listed), ensure_ascii=False))
    else:
        _print(listed)
    return 0


def _request(arguments: argparse.Namespace) -> Request:
    request_id, subject = new_request_id(), arguments.subject
    match arguments.do:
        case "install":
            path = Path(subject).expanduser().absolute()
            return InstallPackRequest(request_id=request_id, path=str(path))
        case "fetch":
            return FetchPackRequest(request_id=request_id, pack=subject, online=arguments.online)
        case "use":
            return UsePackRequest(request_id=request_id, pack=subject)
        case "check":
            return CheckPackRequest(request_id=request_id, pack=subject)
        case "rollback":
            return RollBackPackRequest(request_id=request_id)
        case "remove":
            return RemovePackRequest(request_id=request_id, pack=subject)
        case _:
            return PacksRequest(request_id=request_id)


def _show(event: Event) -> None:
    if isinstance(event, PackProgress):
        percent = f" {event.fraction:.0%}" if event.fraction else ""
        print(" ".join(filter(None, (event.step, event.pack))) + percent, file=sys.stderr, flush=True)


def _print(listed: PacksListed) -> None:
    for pack in listed.packs:
        print(f"{'*' if pack.is_used else ' '}  {pack.id:<28} {pack.kind:<7} {_size(pack):>9}  {_said(pack)}")
    print("\n* is used" + (f"; rollback returns to {listed.before}" if listed.before else ""))
    if not listed.published:
        print("no pack has been published yet: install one from a file")
    for one in listed.published:
        print(f"fetch {one.id} ({one.kind}, {in_gib(one.size_bytes)})")


def _size(pack: EnginePack) -> str:
    return f"{pack.size_bytes / 2**20:,.0f} MiB" if pack.size_bytes else ""


def _said(pack: EnginePack) -> str:
    """What the probe said of it."""
    if pack.problem:
        return f"cannot be used: {pack.problem}"
    if pack.id == BUILTIN_ENGINE:
        return "ships with Retort"
    if pack.report is None:
        return "not probed yet"
    gpus = [
        f"{device.description or device.name} ({in_gib(device.free_bytes)} free)"
        for device in pack.report.devices
        if device.is_gpu
    ]
    return f"{', '.join(gpus) or 'CPU'}; self-test passed, {pack.report.decode_tps:.0f} tokens/s"

"""`retort component`: parts of the engine that are installed on demand: list, install, check, remove."""

import argparse
import json

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.pull import ONLINE_HELP
from engine.cli.sizes import in_words
from engine.cli.transfer_lines import TransferLines
from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentsChecked,
    ComponentsListed,
    ComponentsRequest,
    ComponentStatus,
    InstallComponentRequest,
    RemoveComponentRequest,
)
from engine.contract.errors import InvalidRequest
from engine.contract.messages import Request

NAME = "component"
HELP = "list, install, check or remove parts that are installed on demand: the torch engine"
_STATES = {
    "absent": "not installed",
    "installed": "installed",
    "outdated": "of another version of Retort; install it again",
    "included": "part of this installation",
    "unavailable": "not there for this system",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("action", nargs="?", default="list", choices=("list", "install", "check", "remove"))
    add("name", nargs="?", default="torch", help="which one; without it torch")
    add("--from", dest="folder", default="", metavar="FOLDER", help="take the wheels from there, offline")
    add("--online", action="store_true", help=ONLINE_HELP)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List or change; a check that finds damage returns 1."""
    with EngineSession() as session:
        if arguments.action == "check":
            return _check(session, as_json=arguments.json)
        before = _ask(session, ComponentsRequest(request_id=new_request_id()))
        if arguments.action == "install" and not arguments.json:
            _say_size(_named(before, arguments.name))
        listed = before if arguments.action == "list" else _ask(session, _change(arguments))
    if arguments.json:
        print(json.dumps({"components": msgspec.to_builtins(listed.components)}))
        return 0
    if arguments.action == "remove":
        freed = _named(before, arguments.name).disk_bytes - _named(listed, arguments.name).disk_bytes
        print(f"removed, {in_words(freed)} given back")
    for component in listed.components:
        print(_in_words(component))
    return 0


def _change(arguments: argparse.Namespace) -> Request:
    if arguments.action == "remove":
        return RemoveComponentRequest(request_id=new_request_id(), name=arguments.name)
    return InstallComponentRequest(
        request_id=new_request_id(),
        name=arguments.name,
        folder=arguments.folder,
        online=arguments.online,
    )


def _ask(session: EngineSession, request: Request) -> ComponentsListed:
    """The list after a request. After Ctrl+C what has arrived stays for the next time."""
    lines = TransferLines()
    try:
        return session.ask(request, ComponentsListed, lines.show)
    finally:
        lines.end()


def _check(session: EngineSession, *, as_json: bool) -> int:
    lines = TransferLines()
    try:
        checked = session.ask(
            CheckComponentsRequest(request_id=new_request_id()), ComponentsChecked, lines.show
        )
    finally:
        lines.end()
    if as_json:
        print(json.dumps({"damaged": checked.damaged}))
    else:
        print("\n".join(checked.damaged) or "every file is as it was installed")
    return 1 if checked.damaged else 0


def _named(listed: ComponentsListed, name: str) -> ComponentStatus:
    found = next((one for one in listed.components if one.name == name), None)
    if found is None:
        raise InvalidRequest(f"there is no component {name!r:.40}")
    return found


def _say_size(component: ComponentStatus) -> None:
    """What it takes, before anything is fetched."""
    print(
        f"{component.name} {component.version}: {in_words(component.download_bytes)} to fetch, "
        f"{in_words(component.needed_bytes)} of the disk while it is installed"
    )


def _in_words(component: ComponentStatus) -> str:
    line = f"{component.name} {component.version}: {_STATES[component.state]}"
    if component.disk_bytes:
        line += f", takes {in_words(component.disk_bytes)}"
    elif component.state == "absent":
        line += f", {in_words(component.download_bytes)} to fetch"
    if component.arrived_bytes:
        line += f"; {in_words(component.arrived_bytes)} have arrived, `retort component install` goes on"
    return line

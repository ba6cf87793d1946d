"""`retort settings`: show the engine's settings and change them."""

import argparse
import json
import sys
from collections.abc import Sequence

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.load_arguments import load_from_words
from engine.contract.params import LoadParams
from engine.contract.settings import SETTINGS, EngineSettings, setting_named
from engine.contract.settings_messages import (
    ChangeLoadRequest,
    ChangeSettingRequest,
    SettingsChange,
    SettingsListed,
    SettingsRequest,
)

NAME = "settings"
HELP = "show the engine's settings, or change one"
_NUM_WORDS = {"get": 1, "set": 2, "reset": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    parser.epilog = "Settings: " + "  ".join(f"{s.name}: {s.meaning}" for s in SETTINGS)
    add("action", nargs="?", choices=["get", "set", "reset", "load"], help="without one everything is shown")
    add(
        "words",
        nargs="*",
        metavar="WORD",
        help="get NAME · set NAME VALUE · reset NAME · load MODEL [NAME=VALUE …], none of which forgets them",
    )
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show or change; raises ValueError for names and values that are none."""
    request = _request(arguments.action, arguments.words)
    with EngineSession() as session:
        listed = session.ask(request, SettingsListed)
    if listed.notice:
        print(f"retort: {listed.notice}", file=sys.stderr)
    values = msgspec.to_builtins(listed.settings)
    if arguments.action == "get":
        name = arguments.words[0]
        print(json.dumps({name: values[name]}) if arguments.json else _written(listed.settings, name))
    elif arguments.json:
        print(json.dumps(values, ensure_ascii=False))
    elif arguments.action is None:
        _show(listed.settings)
    return 0


def _request(action: str | None, words: Sequence[str]) -> SettingsChange:
    request_id = new_request_id()
    if action == "load":
        if not words:
            raise ValueError("load takes MODEL and any number of NAME=VALUE")
        load = load_from_words(list(words[1:])) if words[1:] else None
        return ChangeLoadRequest(request_id=request_id, model=words[0], load=load)
    if len(words) != _NUM_WORDS.get(action or "", 0):
        raise ValueError("settings takes nothing, get NAME, set NAME VALUE, reset NAME or load MODEL …")
    if action is None:
        return SettingsRequest(request_id=request_id)
    setting = setting_named(words[0])
    if action == "get":
        return SettingsRequest(request_id=request_id)
    value = setting.parse(words[1]) if action == "set" else None
    return ChangeSettingRequest(request_id=request_id, name=setting.name, value=value)


def _show(settings: EngineSettings) -> None:
    default = EngineSettings()
    for setting in SETTINGS:
        changed = getattr(settings, setting.name) != getattr(default, setting.name)
        value = _written(settings, setting.name) or "none"
        was = f" (default {_written(default, setting.name) or 'none'})" if changed else ""
        print(f"{setting.name} = {value} {setting.unit}".rstrip() + was)
        print(f"    {setting.meaning}")
    for model, load in settings.load.items():
        print(f"load {model}: {_said(load)}")


def _written(settings: EngineSettings, name: str) -> str:
    return setting_named(name).write(getattr(settings, name))


def _said(load: LoadParams) -> str:
    """Only what differs from the defaults."""
    default = msgspec.to_builtins(LoadParams())
    values = msgspec.to_builtins(load)
    said = [f"{name}={value}" for name, value in values.items() if value != default[name]]
    return " ".join(said) or "the defaults"

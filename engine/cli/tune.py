"""`retort tune MODEL`: measures settings on this computer and keeps the fastest."""

import argparse
import json
import sys
import time

import msgspec
from filelock import Timeout

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.errors import ModelNotFound, StorageFailed
from engine.contract.fit_messages import FitRequest, FitTold
from engine.contract.messages import EngineDescription
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.settings_messages import ChangeLoadRequest, SettingsListed, SettingsRequest
from engine.contract.tuned import TunedModel
from engine.hardware.drivers import driver_versions
from engine.hardware.memory import usable_processors
from engine.library.places import ModelPlace
from engine.library.tuned_records import TunedRecords, devices_of, engine_build
from engine.tuning.search import Step
from engine.tuning.tune import tune

NAME = "tune"
HELP = "find a model's fastest settings on this computer"
TUNED_FIELDS = (
    "threads",
    "placement",
    "draft_tokens",
    "batch_size",
    "flash_attention",
    "kv_type",
    "kv_type_v",
)
LEAST_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    parser.add_argument("--seconds", type=float, default=90.0, help="time to search in (default %(default)s)")
    parser.add_argument("--kept", action="store_true", help="measure nothing: show what was found before")
    parser.add_argument("--apply", action="store_true", help="load the model this way from now on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Search, keep and print; with --kept only print."""
    if not arguments.seconds >= LEAST_SECONDS:
        raise ValueError(f"--seconds must be {LEAST_SECONDS:g} or more")
    paths = Paths.from_environment()
    records = TunedRecords(paths.tuned)
    with EngineSession() as session:
        place, description = session.find(arguments.model), session.describe()
        devices = devices_of(description.memory, usable_processors(), driver_versions())
        kept = records.of(place.path, devices, engine_build("llama", description.version))
        stale = _staleness(kept, devices, description) if kept is not None else ""
        if stale:
            print(f"retort: what was found before no longer holds: {stale}", file=sys.stderr)
        if arguments.kept:
            if kept is None:
                raise ModelNotFound(f"{arguments.model}: it was never tuned here, so nothing is kept of it")
            found = kept
        else:
            found, stale = _search(session, place, paths, description, arguments.seconds), ""
            try:
                records.keep(found)
            except (StorageFailed, OSError, Timeout) as error:
                print(f"retort: the result cannot be kept: {error}", file=sys.stderr)
        if arguments.apply:
            change = ChangeLoadRequest(request_id=new_request_id(), model=arguments.model, load=found.best)
            session.ask(change, SettingsListed)
    if arguments.json:
        print(json.dumps(report(found, stale, is_applied=arguments.apply), ensure_ascii=False))
    else:
        _print(found, is_applied=arguments.apply)
    return 0


def report(found: TunedModel, stale: str, *, is_applied: bool) -> dict[str, object]:
    """The result as one object."""
    built: dict[str, object] = msgspec.to_builtins(found)
    return built | {"stale_because": stale, "is_applied": is_applied}


def in_words(load: LoadParams) -> str:
    """What of a setting is not the default."""
    default = LoadParams()
    said = [
        f"{name}={'auto' if value is None else msgspec.json.encode(value).decode().strip(chr(34))}"
        for name in TUNED_FIELDS
        if (value := getattr(load, name)) != getattr(default, name)
    ]
    return " ".join(said) or "default"


def _staleness(kept: TunedModel, devices: tuple[str, ...], description: EngineDescription) -> str:
    backend = kept.engine_build.partition(" ")[0]
    return kept.stale_because(devices, engine_build(backend, description.version))


def _search(
    session: EngineSession, place: ModelPlace, paths: Paths, description: EngineDescription, seconds: float
) -> TunedModel:
    settings = session.ask(SettingsRequest(request_id=new_request_id()), SettingsListed).settings
    told = session.ask(FitRequest(request_id=new_request_id(), model=str(place.path)), FitTold)

    def tell(step: Step) -> None:
        if step.gain is None:
            said = f"does not run: {step.problem}"
        else:
            said = f"{abs(step.gain):.0%} {'faster' if step.gain > 0 else 'slower'}"
        best = ", the best so far" if step.is_best else ""
        print(f"{step.share:4.0%}  {in_words(step.load)}: {said}{best}", file=sys.stderr)

    return tune(place, paths, settings, told, description, seconds=seconds, on_step=tell)


def _print(found: TunedModel, *, is_applied: bool) -> None:
    day = time.strftime("%Y-%m-%d", time.localtime(found.tuned_at))
    print(f"{found.name}, {day}, {found.engine_build}, {'; '.join(found.devices)}\n")
    print("   decode tok/s  prompt tok/s   context  most context     worker        free  settings")
    for row in found.rows:
        trial, mark = row.trial, "*" if row.load == found.best else "-" if row.is_on_front else " "
        print(
            f"{mark}  {trial.decode_tps:12.1f}  {trial.prompt_tps:12.1f}  {trial.context_length:8,}"
            f"  {trial.most_context:12,}  {trial.resident_bytes / 2**20:6,.0f} MiB"
            f"  {trial.free_bytes / 2**20:6,.0f} MiB  {in_words(row.load)}"
        )
    print("\n* the fastest; - beaten by none in speed, context and memory at once")
    if not found.gain:
        print("nothing is clearly faster than the default")
    else:
        print(f"{in_words(found.best)}: a typical exchange takes {found.gain:.0%} less time")
    if not is_applied and found.gain:
        print("--apply loads it this way from now on")

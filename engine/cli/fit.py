"""`retort fit MODEL`: what a model would take of this memory, where it would go, how fast it would be."""

import argparse
import json

import msgspec

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.load_arguments import add_load_arguments, load_from
from engine.contract.fit_messages import FitChange, FitPart, FitRequest, FitTold, FitWhere
from engine.contract.hub_messages import RemoteHeaderRead, RemoteHeaderRequest
from engine.contract.model_shape import ModelShape

NAME = "fit"
HELP = "show what a model takes in memory, and where it goes"
_PARTS: dict[FitPart, str] = {
    "weights": "weights",
    "experts": "routed experts",
    "mtp": "MTP head",
    "kv_cache": "KV cache",
    "latent": "latent cache (MLA)",
    "state": "recurrent state",
    "compute": "compute buffers",
    "projector": "projector",
    "draft_model": "draft model",
    "process": "engine and vocabulary",
}
_WHERE: dict[FitWhere, str] = {
    "cpu": "all of it in RAM",
    "gpu": "all of it on the GPU",
    "experts_in_ram": "routed experts in RAM, the rest on the GPU",
    "layers_split": "layers divided between GPU and RAM",
    "disk": "weights are read from the disk again and again",
    "too_large": "it does not fit",
}
_CHANGES: dict[FitChange, str] = {
    "kv_q8_0": "--kv-type q8_0",
    "kv_q4_0": "--kv-type q4_0",
    "one_sequence": "--sequences 1",
    "half_context": "half the context",
    "quarter_context": "a quarter of the context",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", help=MODEL_HELP)
    add_load_arguments(parser)
    on_the_hub = "the model is publisher/repository/FILE on Hugging Face: read its header there, no more"
    parser.add_argument("--online", action="store_true", help=on_the_hub)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the ledger; 1 where the model does not fit."""
    with EngineSession() as session:
        shape = _remote_shape(session, arguments.model) if arguments.online else None
        request = FitRequest(
            request_id=new_request_id(), model=arguments.model, load=load_from(arguments), shape=shape
        )
        told = session.ask(request, FitTold)
    if arguments.json:
        print(json.dumps(report(told), ensure_ascii=False))
    else:
        _print(told)
    return 1 if told.where == "too_large" else 0


def _remote_shape(session: EngineSession, model: str) -> ModelShape:
    """The shape of a model on the hub; raises NetworkError, ModelError."""
    publisher, _, rest = model.partition("/")
    name, _, file = rest.partition("/")
    request = RemoteHeaderRequest(
        request_id=new_request_id(), repository=f"{publisher}/{name}", file=file, online=True
    )
    return session.ask(request, RemoteHeaderRead).shape


def report(told: FitTold) -> dict[str, object]:
    """The answer as one object, sums included."""
    built: dict[str, object] = msgspec.to_builtins(told)
    for name in ("type", "request_id", "sequence", "generation"):
        built.pop(name)
    return built | {"predicted_bytes": told.predicted_bytes, "actual_bytes": told.actual_bytes}


def in_mib(size_bytes: int) -> str:
    """Columns of one unit can be compared."""
    return f"{size_bytes / 2**20:,.1f} MiB"


def _print(told: FitTold) -> None:
    print(f"{told.model}: context of {told.context_length:,} tokens, {told.num_positions:,} positions in all")
    for device in told.devices:
        free = f"{in_mib(device.free_bytes)} free of {in_mib(device.total_bytes)}"
        name = f"{device.name} ({device.description})" if device.description else device.name
        print(f"\n{name}: {free}")
        for line in told.lines:
            if line.device == device.name:
                actual = "" if line.actual_bytes is None else f"   really {in_mib(line.actual_bytes)}"
                print(f"  {_PARTS[line.part]:<24}{in_mib(line.predicted_bytes):>14}{actual}")
        print(f"  {'together':<24}{in_mib(told.bytes_on(device.name)):>14}")
    print(f"\n{_WHERE[told.where]}: {told.reason}")
    if told.speed is not None:
        print(f"about {told.speed.slowest_tps:.1f} to {told.speed.fastest_tps:.1f} tokens per second")
    if told.margin.num_loads:
        print(f"{told.margin.num_loads} earlier loads took {told.margin.factor:.3f} times what was predicted")
    for step in told.steps:
        what = _CHANGES[step.change]
        print(f"with {what}: {in_mib(step.predicted_bytes)}, {_WHERE[step.where]}")

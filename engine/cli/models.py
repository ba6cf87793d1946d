"""`retort models`: what can be run here, under which names."""

import argparse
import json
from pathlib import Path

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.library_messages import ModelsListed, ModelsRequest
from engine.contract.model_info import Companion, InstalledModel

NAME = "models"
HELP = "list the models that can be run, with the names that other commands take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List every model; those that cannot be used say why."""
    with EngineSession() as session:
        models = session.ask(ModelsRequest(request_id=new_request_id()), ModelsListed).models
    if arguments.json:
        print(json.dumps({"models": msgspec.to_builtins(models)}, ensure_ascii=False))
        return 0
    rows = [("NAME", "PARAMETERS", "TYPE", "SIZE", "CONTEXT", "CAN"), *(_row(model) for model in models)]
    beneath: list[tuple[Companion, ...]] = [(), *(model.companions for model in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row, companions in zip(rows, beneath, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[5]]).rstrip())
        for companion in companions:
            print(f"  with {companion_line(companion)}")
    return 0


def companion_line(companion: Companion) -> str:
    """A companion as it stands beneath its model."""
    return f"{companion.kind} {Path(companion.path).name}, {in_gib(companion.size_bytes)}"


def _row(model: InstalledModel) -> tuple[str, str, str, str, str, str]:
    if model.info is None:
        return model.short_name, "", "", in_gib(model.size_bytes), "", f"not usable: {model.problem}"
    parameters = in_billions(model.info.parameters)
    if model.active_parameters < model.info.parameters:
        parameters += f", {in_billions(model.active_parameters)} active"
    context = f"{model.info.context_length:,}" if model.info.context_length else "?"
    size = in_gib(model.size_bytes)
    can = ", ".join(model.capabilities)
    return model.short_name, parameters, model.info.quantization, size, context, can


def in_billions(parameters: int) -> str:
    """A count of parameters as people say it: 7.6 B, 4.5 M."""
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.1f} M"


def in_gib(size_bytes: int) -> str:
    """A size as people say it."""
    return f"{size_bytes / 2**30:.1f} GiB" if size_bytes >= 2**30 else f"{size_bytes / 2**20:.1f} MiB"

"""`retort quantize SRC DST`: a GGUF model in smaller types, and beforehand exactly what that gives."""

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute, do_job
from engine.cli.recipe_arguments import add_recipe_arguments, find_recipe
from engine.cli.sizes import in_words
from engine.contract.jobs import (
    ImportanceJob,
    ImportanceResult,
    PlanJob,
    PlannedTensor,
    PlanResult,
    QuantizeJob,
    QuantizeResult,
)

NAME = "quantize"
HELP = "write a GGUF model in smaller types; --dry-run tells what that gives"
MAX_NAMED = 8  # of the tensors that fall back


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("source", metavar="SRC", help=MODEL_HELP)
    add("target", metavar="DST", help="the file to write; it appears when it is whole")
    add_recipe_arguments(parser)
    matrix = parser.add_mutually_exclusive_group()
    matrix.add_argument("--importance", metavar="FILE", help="an importance matrix (GGUF)")
    matrix.add_argument("--importance-text", metavar="FILE", help="make one by reading this text first")
    add("--threads", type=int, default=0, help="at most (default: every core)")
    add("--dry-run", action="store_true", help="only tell the size and every tensor's type")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Quantize and say what was written; raises EngineError."""
    if arguments.threads < 0:
        raise ValueError(f"--threads must be 0 or more, got {arguments.threads}")
    target = absolute(arguments.target)
    with EngineSession() as session, tempfile.TemporaryDirectory(prefix="retort-") as folder:
        importance = absolute(arguments.importance)
        if arguments.importance_text and not (arguments.dry_run and not (arguments.size or arguments.fit)):
            importance = _make_importance(session, arguments, Path(folder))
        recipe = find_recipe(session, arguments, arguments.source, importance)
        plan = do_job(session, PlanJob(source=arguments.source, recipe=recipe, target=target), PlanResult)
        if arguments.dry_run:
            _tell_plan(plan, recipe, as_json=arguments.json)
            return 0
        job = QuantizeJob(
            source=arguments.source,
            target=target,
            recipe=recipe,
            importance=importance,
            threads=arguments.threads,
        )
        result = do_job(session, job, QuantizeResult)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(result), ensure_ascii=False))
    else:
        _tell_written(result, plan)
    return 0


def _make_importance(session: EngineSession, arguments: argparse.Namespace, folder: Path) -> str:
    target = str(folder / "importance.gguf")
    job = ImportanceJob(model=arguments.source, text=absolute(arguments.importance_text), target=target)
    do_job(session, job, ImportanceResult)
    return target


def _tell_plan(plan: PlanResult, recipe: str, *, as_json: bool) -> None:
    if as_json:
        report = msgspec.to_builtins(plan) | {
            "recipe": json.loads(recipe),
            "parts": [asdict(row) for row in parts_table(plan.tensors)],
            "fallen_back": [tensor.name for tensor in plan.tensors if tensor.fell_back],
        }
        print(json.dumps(report, ensure_ascii=False))
        return
    print(f"{in_words(plan.size_bytes)}, {plan.bits_per_weight:.2f} bits per weight")
    print(f"now {in_words(plan.source_bytes)}\n")
    for row in parts_table(plan.tensors):
        types = ", ".join(f"{count} {kind}" for kind, count in row.types.items())
        print(f"{row.part:<18} {in_words(row.size_bytes):>32}  {types}")
    print()
    _tell_fallen_back(plan.tensors)
    _tell_source(plan)
    if plan.needs_importance:
        print("It needs an importance matrix: --importance FILE or --importance-text FILE.")


def _tell_written(result: QuantizeResult, plan: PlanResult) -> None:
    print(
        f"{result.target}: {in_words(result.size_bytes)}, {result.bits_per_weight:.2f} bits per weight, "
        f"{100 * result.size_bytes / max(1, result.source_bytes):.0f} % of the source, {result.seconds:.1f} s"
    )
    _tell_fallen_back(plan.tensors)
    _tell_source(plan)


def _tell_source(plan: PlanResult) -> None:
    if plan.source_has_lost_bits:
        print(
            f"The source itself has only {plan.source_bits_per_weight:.1f} bits per weight: what it lost by "
            "that does not come back in a larger type, and comparing with it does not show it."
        )


def _tell_fallen_back(tensors: Sequence[PlannedTensor]) -> None:
    fallen = [tensor for tensor in tensors if tensor.fell_back]
    if not fallen:
        return
    print(f"{len(fallen)} of {len(tensors)} tensors get another type, since their rows do not divide:")
    for tensor in fallen[:MAX_NAMED]:
        print(f"  {tensor.name} (rows of {tensor.shape[0]}): {tensor.new_type} for {tensor.wanted_type}")
    if len(fallen) > MAX_NAMED:
        print(f"  … and {len(fallen) - MAX_NAMED} more (--json names all)")


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a model after quantizing."""

    part: str
    tensors: int
    size_bytes: int
    types: dict[str, int]  # how many tensors of each, the most frequent first


def parts_table(tensors: Sequence[PlannedTensor]) -> list[PartRow]:
    """For each part of the model what becomes of it, the largest part first."""
    by_part: dict[str, list[PlannedTensor]] = defaultdict(list)
    for tensor in tensors:
        by_part[tensor.part].append(tensor)
    rows = [
        PartRow(
            part,
            len(members),
            sum(tensor.size_bytes for tensor in members),
            dict(Counter(tensor.new_type for tensor in members).most_common()),
        )
        for part, members in by_part.items()
    ]
    return sorted(rows, key=lambda row: -row.size_bytes)

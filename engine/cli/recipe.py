"""`retort recipe MODEL --size BYTES | --fit machine`: the types that do least damage within it, as a file."""

import argparse
import json
import sys
from pathlib import Path

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute
from engine.cli.recipe_arguments import TEXT_HELP, add_budget_arguments, add_budget_choice, fit
from engine.cli.sizes import in_words
from engine.library.atomic_file import write_atomically

NAME = "recipe"
HELP = "find the types that do the least damage within a size"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL_HELP)
    add_budget_choice(parser.add_mutually_exclusive_group(required=True))
    add("--text", metavar="FILE", help=f"{TEXT_HELP}; without it the largest stock type that fits is taken")
    add_budget_arguments(parser)
    add("--importance", metavar="FILE", help="an importance matrix (GGUF), which allows more types")
    add("-o", "--output", metavar="FILE", help="where to write the recipe (default: stdout)")
    add("--dry-run", action="store_true", help="measure nothing: the largest stock type that fits")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Find the recipe and print or write it; raises EngineError."""
    with EngineSession() as session:
        importance = absolute(arguments.importance)
        found = fit(session, arguments, arguments.model, importance, is_dry_run=arguments.dry_run)
    if arguments.output and not arguments.dry_run:
        write_atomically(Path(absolute(arguments.output)), found.recipe.encode())
    if arguments.json:
        report = {
            "recipe": json.loads(found.recipe),
            "size_bytes": found.size_bytes,
            "budget_bytes": found.budget_bytes,
            "bits_per_weight": found.bits_per_weight,
        }
        print(json.dumps(report, ensure_ascii=False))
        return 0
    if not arguments.output:
        print(found.recipe, end="")
    print(f"{in_words(found.size_bytes)}, {found.bits_per_weight:.2f} bits per weight", file=sys.stderr)
    return 0

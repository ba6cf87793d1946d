"""`retort recipe MODEL --size BYTES`: which types do the least damage within a size, as a recipe's file."""

import argparse
import json
import sys
from pathlib import Path

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute
from engine.cli.recipe_arguments import SIZE_HELP, TEXT_HELP, add_chunks_argument, fit
from engine.cli.sizes import in_words
from engine.library.atomic_file import write_atomically

NAME = "recipe"
HELP = "find the types that do the least damage within a size"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL_HELP)
    add("--size", metavar="BYTES", required=True, help=SIZE_HELP)
    add("--text", metavar="FILE", help=f"{TEXT_HELP}; without it the largest stock type that fits is taken")
    add_chunks_argument(parser)
    add("--importance", metavar="FILE", help="an importance matrix (GGUF), which allows more types")
    add("-o", "--output", metavar="FILE", help="where to write the recipe (default: stdout)")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Find the recipe and print or write it; raises EngineError."""
    with EngineSession() as session:
        found = fit(session, arguments, arguments.model, absolute(arguments.importance))
    if arguments.output:
        write_atomically(Path(absolute(arguments.output)), found.recipe.encode())
    if arguments.json:
        report = {
            "recipe": json.loads(found.recipe),
            "size_bytes": found.size_bytes,
            "bits_per_weight": found.bits_per_weight,
        }
        print(json.dumps(report, ensure_ascii=False))
        return 0
    if not arguments.output:
        print(found.recipe, end="")
    print(f"{in_words(found.size_bytes)}, {found.bits_per_weight:.2f} bits per weight", file=sys.stderr)
    return 0

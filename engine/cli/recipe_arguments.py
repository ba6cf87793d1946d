"""How a command line says which recipe is meant: a type, a file, a size to fit into, or this machine."""

import argparse
import json
from pathlib import Path

from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute, do_job
from engine.cli.sizes import parse_size
from engine.contract.errors import InvalidRequest
from engine.contract.jobs import CHUNK_LENGTH, RECIPE_CHUNKS, RecipeJob, RecipeResult

FIT_CONTEXT = 8192
TEXT_HELP = "a text to measure on, in UTF-8"
SIZE_HELP = "the most that the file may take: bytes, or for example 500MB, 7.5GiB"


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --type, --recipe and what is fitted into, of which one is needed."""
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--type", metavar="TYPE", help="one of llama.cpp's mixtures, such as Q4_K_M")
    add_budget_choice(choice)
    choice.add_argument("--recipe", metavar="FILE", help="a recipe's file (docs/WORKBENCH.md)")
    parser.add_argument(
        "--text",
        metavar="FILE",
        help="with --size or --fit: measure on this text which types do least damage",
    )
    add_budget_arguments(parser)


def add_budget_choice(choice: argparse._MutuallyExclusiveGroup) -> None:
    """Declare what a file can be fitted into."""
    choice.add_argument("--size", metavar="BYTES", help=SIZE_HELP)
    choice.add_argument(
        "--fit",
        choices=["machine"],
        help="fit into the memory that is free here, beside the context of --ctx",
    )


def add_budget_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the context that has to fit too, and how much of the text is read for every trial."""
    parser.add_argument(
        "--ctx",
        type=int,
        default=FIT_CONTEXT,
        metavar="N",
        help=f"with --fit: tokens (default {FIT_CONTEXT})",
    )
    parser.add_argument(
        "--chunks",
        type=int,
        default=RECIPE_CHUNKS,
        metavar="N",
        help=f"of the text: {CHUNK_LENGTH} tokens each (default {RECIPE_CHUNKS})",
    )


def find_recipe(session: EngineSession, arguments: argparse.Namespace, model: str, importance: str) -> str:
    """The recipe as the text of its file; raises EngineError, ValueError."""
    if arguments.type:
        return json.dumps({"base": arguments.type.upper()})
    if arguments.recipe:
        try:
            return Path(arguments.recipe).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"the recipe {arguments.recipe} cannot be read: {error}") from error
    return fit(session, arguments, model, importance).recipe


def fit(
    session: EngineSession,
    arguments: argparse.Namespace,
    model: str,
    importance: str,
    *,
    is_dry_run: bool = False,
) -> RecipeResult:
    """The recipe for the size that was written; raises EngineError, ValueError."""
    if arguments.chunks < 1:
        raise ValueError(f"--chunks must be 1 or more, got {arguments.chunks}")
    if arguments.ctx < 1:
        raise ValueError(f"--ctx must be 1 or more, got {arguments.ctx}")
    job = RecipeJob(
        model=model,
        budget_bytes=parse_size(arguments.size) if arguments.size else 0,
        context_length=arguments.ctx,
        is_dry_run=is_dry_run,
        text=absolute(arguments.text),
        importance=importance,
        max_chunks=arguments.chunks,
    )
    return do_job(session, job, RecipeResult)

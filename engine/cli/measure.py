"""`retort measure MODEL --text FILE`: perplexity, and what was lost against a reference."""

import argparse
import json

import msgspec

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute, do_job
from engine.cli.recipe_arguments import TEXT_HELP
from engine.contract.jobs import CHUNK_LENGTH, ExportCardJob, ExportCardResult, MeasureJob, QualityCard
from engine.library.card_rows import card_rows

NAME = "measure"
HELP = "measure a model's perplexity and how far it is from a reference"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL_HELP)
    add("--against", metavar="REF", help="a model of the same vocabulary, usually the one it was made from")
    add("--text", metavar="FILE", required=True, help=TEXT_HELP)
    add(
        "--ctx",
        type=int,
        default=CHUNK_LENGTH,
        metavar="N",
        help=f"tokens of a chunk, whose second half is scored (default {CHUNK_LENGTH})",
    )
    add("--chunks", type=int, metavar="N", help="score only the first so many chunks")
    add("--export", metavar="FILE", help="write the card to a file too: JSON, or a picture (.svg)")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; the result is kept with the model. Raises EngineError."""
    if arguments.chunks is not None and arguments.chunks < 1:
        raise ValueError(f"--chunks must be 1 or more, got {arguments.chunks}")
    job = MeasureJob(
        model=arguments.model,
        against=arguments.against or "",
        text=absolute(arguments.text),
        chunk_length=arguments.ctx,
        max_chunks=arguments.chunks,
    )
    with EngineSession() as session:
        card = do_job(session, job, QualityCard)
        if arguments.export:
            do_job(session, ExportCardJob(cards=(card,), target=absolute(arguments.export)), ExportCardResult)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(card), ensure_ascii=False))
        return 0
    print_card(card)
    return 0


def print_card(card: QualityCard) -> None:
    """A quality card for people, a line each."""
    for name, value in card_rows(card):
        print(f"{name:>20}  {value}")

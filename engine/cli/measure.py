"""`retort measure MODEL --text FILE`: perplexity, and what was lost against a reference."""

import argparse
import json
from collections.abc import Iterator

import msgspec

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute, do_job
from engine.cli.recipe_arguments import TEXT_HELP
from engine.cli.sizes import in_words
from engine.contract.jobs import CHUNK_LENGTH, MeasureJob, QualityCard

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
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(card), ensure_ascii=False))
        return 0
    print_card(card)
    return 0


def print_card(card: QualityCard) -> None:
    """A quality card for people, a line each."""
    for name, value in _card_rows(card):
        print(f"{name:>20}  {value}")


def _card_rows(card: QualityCard) -> Iterator[tuple[str, str]]:
    yield "text", f"{card.text_name}, {card.num_tokens:,} tokens scored in chunks of {card.chunk_length}"
    yield "size", f"{in_words(card.size_bytes)}, {card.bits_per_weight:.2f} bits per weight"
    yield "speed", f"{card.prompt_tps:.0f} tokens/s read, {card.decode_tps:.1f} tokens/s written"
    yield "perplexity", f"{card.perplexity.value:.4f} ± {card.perplexity.error:.4f}"
    found = card.divergence
    if found is None:
        return
    yield "against", card.against
    yield "KL divergence", f"{found.mean.value:.6f} ± {found.mean.error:.6f} nats per token"
    yield "", f"median {found.median:.6f}, 99 % {found.percentile_99:.6f}, largest {found.largest:.6f}"
    agreement = found.top1_agreement
    yield "same first choice", f"{100 * agreement.value:.2f} % ± {100 * agreement.error:.2f}"
    yield "flips", f"{100 * found.flips_to_wrong:.2f} % to wrong, {100 * found.flips_to_right:.2f} % to right"

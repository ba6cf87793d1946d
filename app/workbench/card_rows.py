"""A quality card in rows of a name and a value, and one variant in a line."""

from collections.abc import Iterator

from app.translation import format_number, tr
from app.workbench.job_words import short_name
from app.workbench.sizes import size_in_words
from app.workbench.variants import Variant
from engine.contract.jobs import Divergence, QualityCard


def card_rows(card: QualityCard) -> Iterator[tuple[str, str]]:
    """Everything that was measured, in the order in which it is asked for."""
    found = card.divergence
    if found is not None:
        yield tr("Compared with"), short_name(card.against)
        yield from _divergence_rows(found)
    perplexity = card.perplexity
    yield tr("Perplexity"), _with_error(perplexity.value, perplexity.error, 4)
    yield (
        tr("Size"),
        tr(
            "{size}, {bits} bits per weight",
            size=size_in_words(card.size_bytes),
            bits=format_number(card.bits_per_weight, 2),
        ),
    )
    yield (
        tr("Speed"),
        tr(
            "{decode} tok/s written, {prompt} tok/s read",
            decode=format_number(card.decode_tps, 1),
            prompt=format_number(card.prompt_tps),
        ),
    )
    if card.draft_acceptance is not None:
        yield tr("MTP drafts accepted"), f"{format_number(100 * card.draft_acceptance, 1)} %"
    if card.peak_memory_bytes:
        yield tr("Peak memory"), size_in_words(card.peak_memory_bytes)
    yield (
        tr("Measured on"),
        tr(
            "{name}: {tokens} tokens in chunks of {length}",
            name=card.text_name,
            tokens=format_number(card.num_tokens),
            length=format_number(card.chunk_length),
        ),
    )


def _divergence_rows(found: Divergence) -> Iterator[tuple[str, str]]:
    yield (
        tr("KL divergence, mean"),
        tr("{value} nats per token", value=_with_error(found.mean.value, found.mean.error, 5)),
    )
    yield (
        tr("KL divergence, median · 99 %"),
        f"{format_number(found.median, 5)} · {format_number(found.percentile_99, 5)}",
    )
    agreement = found.top1_agreement
    yield tr("Same first choice"), f"{_with_error(100 * agreement.value, 100 * agreement.error, 2)} %"
    yield (
        tr("Flips"),
        tr(
            "{wrong} % to wrong, {right} % to right",
            wrong=format_number(100 * found.flips_to_wrong, 2),
            right=format_number(100 * found.flips_to_right, 2),
        ),
    )


def describe_variant(variant: Variant) -> str:
    """A variant in one line, as a tip and for screen readers."""
    said = [variant.name, size_in_words(variant.size_bytes)]
    if variant.is_reference:
        said.append(tr("the reference"))
    elif variant.damage is not None:
        said.append(tr("KL divergence {value}", value=format_number(variant.damage, 5)))
    said.append(tr("{speed} tok/s", speed=format_number(variant.card.decode_tps, 1)))
    if variant.is_best:
        said.append(tr("among the best"))
    return " · ".join(said)


def _with_error(value: float, error: float, decimals: int) -> str:
    return f"{format_number(value, decimals)} ± {format_number(error, decimals)}"

"""What a quality card says, as names and values for people: the command line and the picture share it."""

from collections.abc import Iterator

from engine.contract.jobs import QualityCard


def card_rows(card: QualityCard) -> Iterator[tuple[str, str]]:
    """A name and a value per line; a line that goes on has an empty name."""
    yield "text", f"{card.text_name}, {card.num_tokens:,} tokens scored in chunks of {card.chunk_length}"
    yield "size", f"{card.size_bytes:,} bytes, {card.bits_per_weight:.2f} bits per weight"
    yield "speed", f"{card.prompt_tps:.0f} tokens/s read, {card.decode_tps:.1f} tokens/s written"
    if card.peak_memory_bytes:
        yield "peak memory", f"{card.peak_memory_bytes / 2**20:,.0f} MiB"
    if card.draft_acceptance is not None:
        yield "drafts accepted", f"{100 * card.draft_acceptance:.1f} %, from the MTP head"
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

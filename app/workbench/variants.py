"""All variants of a model that were measured alike: size against damage, and which of them are the best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from engine.contract.jobs import QualityCard

Against = Literal["damage", "speed"]
_SEPARATORS = "-_. "


@dataclass(frozen=True, slots=True)
class Subject:
    """What cards have to share to be compared: the reference, the text, and how much of it was read."""

    reference: str  # the path of the model that the others are compared with
    text_name: str
    text_sha256: str
    chunk_length: int
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One model file with the newest of its cards."""

    path: str
    name: str
    card: QualityCard
    is_reference: bool = False
    is_best: bool = False  # no other is smaller and as good, or as small and better

    @property
    def size_bytes(self) -> int:
        """Of its file."""
        return self.card.size_bytes

    @property
    def damage(self) -> float | None:
        """Mean KL divergence from the reference in nats per token; 0 for the reference, None if not told."""
        if self.is_reference:
            return 0.0
        return self.card.divergence.mean.value if self.card.divergence is not None else None

    def value(self, against: Against) -> float | None:
        """What stands on the plot's upright axis."""
        return self.damage if against == "damage" else self.card.decode_tps


def subjects_of(model: str, cards: Iterable[QualityCard]) -> list[Subject]:
    """What a model can be compared in, the newest measurement first.

    A model is compared as the reference of others, and beside all that share its reference.
    """
    found: dict[Subject, float] = {}
    for card in cards:
        reference = card.against or card.model
        subject = _subject(card, reference)
        if model in (card.model, reference):
            found[subject] = max(found.get(subject, 0.0), card.measured_at)
    return sorted(found, key=lambda subject: -found[subject])


def variants_of(subject: Subject, cards: Iterable[QualityCard], against: Against) -> list[Variant]:
    """Every file that was measured so, the largest first and the best marked."""
    newest: dict[str, QualityCard] = {}
    for card in sorted(cards, key=lambda card: card.measured_at):
        if _subject(card, subject.reference) == subject and subject.reference in (card.against, card.model):
            is_comparison = bool(card.against)
            known = newest.get(card.model)
            if known is None or is_comparison or not known.against:
                newest[card.model] = card
    variants = [
        Variant(path, PurePath(path).stem, card, is_reference=path == subject.reference)
        for path, card in newest.items()
    ]
    return mark_best(sorted(variants, key=lambda variant: -variant.size_bytes), against)


def mark_best(variants: Sequence[Variant], against: Against) -> list[Variant]:
    """Mark those that no other beats: at most as large, at least as good, and better in one of the two."""

    def beats(one: Variant, other: Variant) -> bool:
        mine, its = _goodness(one, against), _goodness(other, against)
        no_worse = one.size_bytes <= other.size_bytes and mine >= its
        return no_worse and (one.size_bytes < other.size_bytes or mine > its)

    return [
        Variant(
            variant.path,
            variant.name,
            variant.card,
            variant.is_reference,
            variant.value(against) is not None and not any(beats(other, variant) for other in variants),
        )
        for variant in variants
    ]


def short_names(names: Sequence[str]) -> list[str]:
    """Names without the words that all begin with; empty for one that is nothing else."""
    shared = 0
    if len(names) > 1:
        for letters in zip(*names, strict=False):
            if len(set(letters)) > 1:
                break
            shared += 1

    def ends_word(at: int) -> bool:
        return all(at >= len(name) or name[at] in _SEPARATORS for name in names)

    cut = next((at for at in range(shared, 0, -1) if ends_word(at)), 0)
    return [name[cut:].lstrip(_SEPARATORS) for name in names]


def _goodness(variant: Variant, against: Against) -> float:
    value = variant.value(against)
    if value is None:
        return float("-inf")
    return -value if against == "damage" else value


def _subject(card: QualityCard, reference: str) -> Subject:
    return Subject(reference, card.text_name, card.text_sha256, card.chunk_length, card.num_tokens)

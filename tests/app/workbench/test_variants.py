"""Which measurements stand side by side, and which variants no other beats."""

from dataclasses import replace
from typing import Any

import pytest

from app.workbench.card_rows import card_rows, describe_variant
from app.workbench.ticks import nice_ticks
from app.workbench.variants import Variant, mark_best, short_names, subjects_of, variants_of
from engine.contract.jobs import Divergence, Estimate, QualityCard


def card(model: str, size: int, damage: float | None, speed: float = 10.0, **other: Any) -> QualityCard:
    divergence = None
    if damage is not None:
        divergence = Divergence(
            mean=Estimate(value=damage, error=0.001),
            median=damage / 2,
            percentile_99=5 * damage,
            largest=9 * damage,
            top1_agreement=Estimate(value=0.9, error=0.01),
            flips_to_wrong=0.02,
            flips_to_right=0.01,
        )
    known: dict[str, Any] = {
        "model": model, "against": "/m/whole.gguf" if damage is not None else "", "text_name": "text.md",
        "text_sha256": "t", "chunk_length": 512, "num_tokens": 9, "divergence": divergence,
        "perplexity": Estimate(value=5.0, error=0.1), "prompt_tps": 100.0, "decode_tps": speed,
        "size_bytes": size, "bits_per_weight": 4.5, "measured_at": 1.0,
    }  # fmt: skip
    return QualityCard(**(known | other))


WHOLE = card("/m/whole.gguf", 1000, None)
CARDS = (
    WHOLE,
    card("/m/whole-Q6_K.gguf", 700, 0.01, 11),
    card("/m/whole-Q4_0.gguf", 500, 0.09, 30),
    card("/m/whole-Q4_K.gguf", 500, 0.05, 20),
    card("/m/whole-Q5_0.gguf", 600, 0.06, 20),
)


def best(cards: tuple[QualityCard, ...], against: Any = "damage") -> set[str]:
    subject = subjects_of("/m/whole.gguf", cards)[0]
    return {variant.name for variant in variants_of(subject, cards, against) if variant.is_best}


def test_the_best_are_those_that_no_other_beats_in_both() -> None:
    assert best(CARDS) == {"whole", "whole-Q6_K", "whole-Q4_K"}
    assert best(CARDS, "speed") == {"whole-Q4_0"}


def test_two_that_are_alike_are_both_best_and_one_without_a_value_never_is() -> None:
    twins = [Variant(name, name, card(name, 5, 0.1)) for name in "ab"]
    assert [variant.is_best for variant in mark_best(twins, "damage")] == [True, True]
    untold = [*twins, Variant("c", "c", card("c", 1, None))]
    assert [variant.is_best for variant in mark_best(untold, "damage")] == [True, True, False]


def test_a_variant_and_its_reference_are_compared_in_the_same_subject() -> None:
    subject = subjects_of("/m/whole-Q4_0.gguf", CARDS)[0]
    assert subject.reference == "/m/whole.gguf"
    assert subjects_of("/m/whole.gguf", CARDS) == [subject]
    names = [variant.name for variant in variants_of(subject, CARDS, "damage")]
    assert names == ["whole", "whole-Q6_K", "whole-Q5_0", "whole-Q4_0", "whole-Q4_K"]
    reference = variants_of(subject, CARDS, "damage")[0]
    assert reference.is_reference
    assert reference.damage == 0.0


def test_other_texts_and_other_references_are_other_subjects_the_newest_first() -> None:
    newer = card("/m/whole-Q4_0.gguf", 500, 0.2, text_sha256="u", measured_at=2.0)
    elsewhere = card("/m/whole-Q4_0.gguf", 500, 0.3, against="/n/other.gguf", measured_at=3.0)
    subjects = subjects_of("/m/whole-Q4_0.gguf", (*CARDS, newer, elsewhere))
    assert [(s.reference, s.text_sha256) for s in subjects] == [
        ("/n/other.gguf", "t"), ("/m/whole.gguf", "u"), ("/m/whole.gguf", "t"),
    ]  # fmt: skip
    assert [v.damage for v in variants_of(subjects[1], (*CARDS, newer, elsewhere), "damage")] == [0.2]
    assert subjects_of("/elsewhere.gguf", CARDS) == []


def test_the_newest_card_of_a_file_counts() -> None:
    newer = card("/m/whole-Q4_0.gguf", 500, 0.2, measured_at=2.0)
    subject = subjects_of("/m/whole.gguf", (*CARDS, newer))[0]
    found = {v.name: v.damage for v in variants_of(subject, (newer, *CARDS), "damage")}
    assert found["whole-Q4_0"] == 0.2


def test_a_card_says_everything_that_was_measured() -> None:
    full = card("/m/a.gguf", 5 * 2**30, 0.0123, peak_memory_bytes=2**30, draft_acceptance=0.75)
    rows = dict(card_rows(full))
    assert rows["KL divergence, mean"] == "0.01230 ± 0.00100 nats per token"
    assert rows["Same first choice"] == "90.00 ± 1.00 %"
    assert rows["Flips"] == "2.00 % to wrong, 1.00 % to right"
    assert rows["Perplexity"] == "5.0000 ± 0.1000"
    assert rows["Size"] == "5.00 GiB, 4.50 bits per weight"
    assert rows["Peak memory"] == "1.00 GiB"
    assert rows["MTP drafts accepted"] == "75.0 %"
    assert "KL divergence, mean" not in dict(card_rows(WHOLE))
    variant = Variant("/m/a.gguf", "a", full, is_best=True)
    assert describe_variant(variant) == "a · 5.00 GiB · KL divergence 0.01230 · 10.0 tok/s · among the best"
    assert "the reference" in describe_variant(replace(variant, is_reference=True))


def test_names_lose_the_words_that_all_begin_with() -> None:
    assert short_names(["m-big", "m-big-Q8_0", "m-big-Q4_K"]) == ["", "Q8_0", "Q4_K"]
    assert short_names(["alpha", "alpine"]) == ["alpha", "alpine"]
    assert short_names(["alone"]) == ["alone"]


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0.0, [0.0, 1.0]),
        (5.0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        (8.8, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
        (60, [0, 20, 40, 60]),
    ],
)
def test_an_axis_has_round_numbers_up_to_what_is_shown(largest: float, ticks: list[float]) -> None:
    assert nice_ticks(largest) == pytest.approx(ticks)

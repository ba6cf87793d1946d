"""Quality cards as pictures."""

import xml.etree.ElementTree as ET

from msgspec import structs

from engine.contract.jobs import Divergence, Estimate, QualityCard
from engine.library.card_picture import draw_cards
from engine.library.card_rows import card_rows

ESTIMATE = Estimate(value=0.02, error=0.001)
CARD = QualityCard(
    model="/models/<small> & fast.gguf",
    against="/models/large.gguf",
    text_name="prose.txt",
    text_sha256="0" * 64,
    chunk_length=512,
    num_tokens=4080,
    perplexity=Estimate(value=12.5, error=0.25),
    divergence=Divergence(
        mean=ESTIMATE,
        median=0.01,
        percentile_99=0.2,
        largest=1.5,
        top1_agreement=Estimate(value=0.97, error=0.002),
        flips_to_wrong=0.01,
        flips_to_right=0.005,
    ),
    prompt_tps=1000,
    decode_tps=50,
    size_bytes=5_000_000,
    bits_per_weight=4.5,
    measured_at=1.0,
    peak_memory_bytes=200 * 2**20,
    draft_acceptance=0.7,
)
SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_picture_says_what_the_card_says() -> None:
    said = texts(draw_cards([CARD]))
    assert said[0] == "<small> & fast.gguf"
    for name, value in card_rows(CARD):
        assert name in said
        assert value in said
    assert "70.0 %, from the MTP head" in said


def test_several_cards_are_points_where_their_size_and_damage_put_them() -> None:
    assert CARD.divergence is not None
    damage = structs.replace(CARD.divergence, mean=Estimate(value=0.2, error=0.01))
    worse = structs.replace(CARD, size_bytes=2_500_000, divergence=damage)
    root = ET.fromstring(draw_cards([CARD, worse]))
    points = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter(f"{SVG}circle")]
    (large_x, good_y), (small_x, bad_y) = points
    assert small_x < large_x
    assert bad_y < good_y  # upwards is less in a picture
    assert all(0 < y < float(root.get("height", 0)) for _, y in points)


def test_a_card_without_a_reference_has_no_point() -> None:
    alone = structs.replace(CARD, divergence=None, against="", draft_acceptance=None, peak_memory_bytes=0)
    root = ET.fromstring(draw_cards([alone, CARD]))
    assert not list(root.iter(f"{SVG}circle"))
    assert "drafts accepted" not in [name for name, _ in card_rows(alone)]

"""Perplexity and divergence, against the definitions computed plainly."""

from pathlib import Path

import numpy as np
import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.paths import resources
from engine.quantization.quality import ReferenceScores, kl_divergence, log_softmax, measure, measure_against
from engine.quantization.quantize import quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from tests.support.builtin_models import BUILTIN_Q8_0
from tests.support.tiny_model import write_tiny_model

pytestmark = pytest.mark.llama

CHUNK = 128


@pytest.fixture(scope="module")
def text() -> str:
    """English that every machine has: the stories' own notices."""
    return (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")[:3000]


def test_perplexity_is_that_of_the_definition(text: str) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        quality = measure(model, text)
        chunks = model.chunks_of(text)
        plain = []
        for chunk, scored in zip(chunks, model.score(chunks), strict=True):
            logits = scored.logits.astype(np.float64)
            probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
            for row, target in enumerate(chunk[CHUNK // 2 + 1 :]):
                plain.append(-np.log(probabilities[row, target]))
    assert quality.num_tokens == len(plain) == len(chunks) * (CHUNK // 2 - 1)
    assert quality.perplexity.value == pytest.approx(np.exp(np.mean(plain)), rel=1e-5)
    spread = np.std(plain) / np.sqrt(len(plain) - 1)
    assert quality.perplexity.error == pytest.approx(quality.perplexity.value * spread, rel=1e-4)


def test_every_chunk_begins_with_the_begin_token(text: str) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        firsts = {chunk[0] for chunk in model.chunks_of(text)}
    assert len(firsts) == 1


def test_a_model_is_no_distance_from_itself(text: str, tmp_path: Path) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        reference = ReferenceScores(model, text, tmp_path / "scores")
        divergence = measure_against(model, reference).divergence
    assert divergence is not None
    assert divergence.mean.value == divergence.largest == 0
    assert divergence.top1_agreement.value == 1
    assert (tmp_path / "scores").stat().st_size == reference.size_bytes


def test_fewer_bits_are_farther_away(text: str, tmp_path: Path) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        reference = ReferenceScores(model, text, tmp_path / "scores")
    means = []
    for base in ("Q6_K", "Q4_K_M", "Q2_K"):
        target = tmp_path / f"{base}.gguf"
        quantize(BUILTIN_Q8_0, target, Recipe(base=base))
        with ScoringModel(target, chunk_length=CHUNK) as model:
            divergence = measure_against(model, reference).divergence
        assert divergence is not None
        assert 0 < divergence.median <= divergence.percentile_99 <= divergence.largest
        means.append(divergence.mean.value)
    assert means == sorted(means)


def test_divergence_is_that_of_the_definition() -> None:
    random = np.random.default_rng(0)
    first, second = (log_softmax(random.normal(0, 3, (5, 70)).astype(np.float32)) for _ in range(2))
    plain = [
        sum(np.exp(float(p)) * (float(p) - float(q)) for p, q in zip(first[row], second[row], strict=True))
        for row in range(5)
    ]
    assert kl_divergence(first, second) == pytest.approx(plain, rel=1e-4)


def test_other_vocabularies_are_not_compared(text: str, tmp_path: Path) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        reference = ReferenceScores(model, text, tmp_path / "scores")
    with (
        ScoringModel(write_tiny_model(tmp_path / "tiny.gguf"), chunk_length=CHUNK) as other,
        pytest.raises(InvalidRequest, match="different vocabularies"),
    ):
        measure_against(other, reference)


def test_a_text_without_a_whole_chunk_is_refused() -> None:
    with (
        ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model,
        pytest.raises(InvalidRequest, match="at least 128 are needed"),
    ):
        measure(model, "Once upon a time.")


def test_a_text_of_more_tokens_than_bytes_is_read_whole(tmp_path: Path) -> None:
    with ScoringModel(write_tiny_model(tmp_path / "tiny.gguf"), chunk_length=CHUNK) as model:
        assert len(model.chunks_of(" " * CHUNK)) == 3  # each a character of three bytes there

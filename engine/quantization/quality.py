"""What quantizing cost: perplexity, and how far a model's predictions are from a reference's.

Perplexity as llama.cpp's tool computes it (see `scoring`). Divergence is KL(reference || model) in nats per
token, over the same positions; top-1 agreement is how often both find the same token likeliest, a flip is a
position where the reference was right and the model is not, or the other way round.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import InvalidRequest
from engine.contract.jobs import Divergence, Estimate
from engine.library.disk_room import check_room
from engine.quantization.scoring import ScoredChunk, ScoringModel

Progress = Callable[[int, int], None]  # chunks done, chunks in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One measurement of one model on one text."""

    num_tokens: int  # scored
    chunk_length: int
    perplexity: Estimate
    divergence: Divergence | None  # None without a reference


def measure(
    model: ScoringModel,
    text: str,
    progress: Progress = lambda _done, _all: None,
    *,
    max_chunks: int | None = None,
) -> Quality:
    """Perplexity of a model on a text; raises InvalidRequest for a text that is too short."""
    chunks = model.chunks_of(text)[:max_chunks]
    losses = []
    for index, chunk in enumerate(model.score(chunks)):
        losses.append(_losses(chunk))
        progress(index + 1, len(chunks))
    return _quality(model, np.concatenate(losses), None)


def measure_against(
    model: ScoringModel,
    reference: "ReferenceScores",
    progress: Progress = lambda _done, _all: None,
) -> Quality:
    """Perplexity and divergence of a model on the text of a reference's scores.

    Raises InvalidRequest where their vocabularies differ: token ids would mean different things.
    """
    if model.vocabulary_digest != reference.vocabulary_digest:
        raise InvalidRequest(f"{model.path.name} and its reference have different vocabularies")
    if model.chunk_length != reference.chunk_length:
        raise InvalidRequest(f"the reference was scored in chunks of {reference.chunk_length} tokens")
    losses, comparisons = [], []
    scored = zip(model.score(reference.chunks), reference, strict=True)
    for index, (chunk, expected) in enumerate(scored):
        losses.append(_losses(chunk))
        comparisons.append(_compare(expected, chunk.logits, chunk.targets))
        progress(index + 1, len(reference.chunks))
    return _quality(model, np.concatenate(losses), _divergence(comparisons))


class ReferenceScores:
    """A reference's log-probabilities over a text, in a file: many models can be compared with it."""

    def __init__(
        self,
        model: ScoringModel,
        text: str,
        path: Path,
        progress: Progress = lambda _done, _all: None,
        *,
        max_chunks: int | None = None,
    ) -> None:
        """Score the text and write the log-probabilities, (chunks, T, V) in 32 bits, to `path`.

        Raises InvalidRequest for a text that is too short, StorageFailed where they do not fit on the disk.
        """
        self.chunks = model.chunks_of(text)[:max_chunks]
        self.chunk_length = model.chunk_length
        self.vocabulary_digest = model.vocabulary_digest
        self._path = path
        num_scored = model.chunk_length - 1 - model.chunk_length // 2
        self._shape = (len(self.chunks), num_scored, model.vocabulary_size)
        check_room(path, self.size_bytes)
        with path.open("wb") as file:
            for index, chunk in enumerate(model.score(self.chunks)):
                file.write(log_softmax(chunk.logits).tobytes())
                progress(index + 1, len(self.chunks))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """The log-probabilities of one chunk after the other, (T, V); one chunk is in memory."""
        count, length, width = self._shape
        for chunk in range(count):
            start = 4 * chunk * length * width
            scores = np.fromfile(self._path, np.float32, length * width, offset=start)
            yield scores.reshape(length, width)

    @property
    def size_bytes(self) -> int:
        """What the file takes."""
        count, length, width = self._shape
        return 4 * count * length * width


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    sums = np.exp(shifted).sum(axis=-1, keepdims=True, dtype=np.float64)
    probabilities: NDArray[np.float32] = shifted - np.log(sums).astype(np.float32)
    return probabilities


def kl_divergence(expected: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float64]:
    """KL(expected || found) per position (T,), from log-probabilities (T, V)."""
    divergence: NDArray[np.float64] = np.sum(np.exp(expected) * (expected - found), axis=-1, dtype=np.float64)
    return divergence


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One chunk's positions: (T,) each."""

    divergence: NDArray[np.float64]
    agrees: NDArray[np.bool_]
    was_right: NDArray[np.bool_]
    is_right: NDArray[np.bool_]


def _compare(
    expected: NDArray[np.float32], logits: NDArray[np.float32], targets: NDArray[np.int32]
) -> _Comparison:
    found = log_softmax(logits)
    wanted_top, found_top = expected.argmax(axis=-1), found.argmax(axis=-1)
    return _Comparison(
        kl_divergence(expected, found), wanted_top == found_top, wanted_top == targets, found_top == targets
    )


def _divergence(comparisons: Sequence[_Comparison]) -> Divergence:
    divergence = np.concatenate([chunk.divergence for chunk in comparisons])
    was_right = np.concatenate([chunk.was_right for chunk in comparisons])
    is_right = np.concatenate([chunk.is_right for chunk in comparisons])
    agrees = np.concatenate([chunk.agrees for chunk in comparisons])
    return Divergence(
        mean=_estimate(divergence),
        median=float(np.median(divergence)),
        percentile_99=float(np.percentile(divergence, 99)),
        largest=float(divergence.max()),
        top1_agreement=_estimate(agrees.astype(np.float64)),
        flips_to_wrong=float(np.mean(was_right & ~is_right)),
        flips_to_right=float(np.mean(~was_right & is_right)),
    )


def _quality(model: ScoringModel, losses: NDArray[np.float64], divergence: Divergence | None) -> Quality:
    loss = _estimate(losses)
    perplexity = float(np.exp(loss.value))
    return Quality(
        num_tokens=len(losses),
        chunk_length=model.chunk_length,
        perplexity=Estimate(value=perplexity, error=perplexity * loss.error),
        divergence=divergence,
    )


def _losses(chunk: ScoredChunk) -> NDArray[np.float64]:
    """The negative log-probability of each token that really followed, (T,)."""
    log_probabilities = log_softmax(chunk.logits)
    return -np.take_along_axis(log_probabilities, chunk.targets[:, None], axis=-1)[:, 0].astype(np.float64)


def _estimate(values: NDArray[np.float64]) -> Estimate:
    count = len(values)
    error = float(values.std()) / (count - 1) ** 0.5 if count > 1 else float("inf")
    return Estimate(value=float(values.mean()), error=error)

"""From a sequence of token ids to the next ones.

Knows nothing of text, chat templates or processes; everything here is token ids and logits.
"""

import time
from collections.abc import Iterator

from engine.generation.backend import Backend, Cancelled, DecodeCancelled, Sampler
from engine.generation.sequence import Sequence

# A prefill chunk of a backend that cannot be interrupted is sized to take at most this long. Others get
# whole batches: faster, and the rounding of llama.cpp's own programs (chunks of 8 changed 1 of 40 greedy
# answers of a model with random weights; docs/benchmarks.md, 2026-11-22).
CHUNK_GOAL_S = 0.25
FIRST_CHUNK = 64


def generate(
    backend: Backend, sequence: Sequence, sampler: Sampler, max_tokens: int, cancelled: Cancelled
) -> Iterator[int]:
    """Yield token ids one by one until an end token, the limit, a full context or a cancel.

    The end token itself is appended to the sequence but not yielded.
    """
    context_length = backend.loaded.context_length
    chunk_size = backend.batch_size if backend.is_interruptible else FIRST_CHUNK
    while sequence.generated_length < max_tokens and not cancelled():
        pending = sequence.pending
        if sequence.cached_length + len(pending) > context_length:
            return
        chunk = pending[: min(chunk_size, backend.batch_size)]
        started = time.perf_counter()
        try:
            backend.decode(chunk, sequence.cached_length, cancelled)
        except DecodeCancelled:
            backend.truncate(sequence.cached_length)
            return
        sequence.cached_length += len(chunk)
        if len(chunk) < len(pending):  # prefill goes on
            if not backend.is_interruptible:
                chunk_size = next_chunk_size(len(chunk), time.perf_counter() - started, backend.batch_size)
            continue
        token = sampler.sample()
        sequence.token_ids.append(token)
        if token in backend.end_tokens:
            return
        yield token


def next_chunk_size(chunk_length: int, elapsed_s: float, batch_size: int) -> int:
    """The chunk that would take CHUNK_GOAL_S at the speed just seen, at most twice the last one."""
    fitting = int(chunk_length * CHUNK_GOAL_S / max(elapsed_s, 1e-6))
    return max(8, min(fitting, 2 * chunk_length, batch_size))

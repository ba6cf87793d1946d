"""A second llama.cpp context that drafters compute in: of the model's own MTP layer, or of a smaller model.

All drafters of a backend share it, each in a sequence of its own.
"""

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.backends.llama.batch import Batch
from engine.generation.backend import Entry, Floats

_DECODED = 0


class DraftContext:
    """Computes tokens of one sequence after the other and gives the logits of the last."""

    def __init__(
        self, library: Any, context: Any, *, num_sequences: int, batch_size: int, vocabulary_size: int
    ) -> None:
        """Takes the context over; it is freed by `close`."""
        self._library, self.native = library, context
        self._memory = library.llama_get_memory(context)
        self._batch_size, self._vocabulary_size = batch_size, vocabulary_size
        self._batch = Batch(library, batch_size)
        self._free = list(range(num_sequences))
        self.length = int(library.llama_n_ctx_seq(context))  # positions that one sequence may have

    def reserve(self, owner: object) -> int | None:
        """A sequence for as long as its owner lives; None where all are taken."""
        if not self._free:
            return None
        sequence = self._free.pop()
        weakref.finalize(owner, self._give_back, sequence)
        return sequence

    def forget(self, sequence: int, length: int) -> None:
        """Forget a sequence's positions from `length` on."""
        self._library.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def compute(self, sequence: int, token_ids: Sequence[int], position: int) -> Floats | None:
        """Append tokens; the logits (V,) after the last, valid until the next call. None where that fails."""
        for start in range(0, len(token_ids), self._batch_size):
            part = list(token_ids[start : start + self._batch_size])
            is_last = start + len(part) == len(token_ids)
            self._batch.fill([Entry(sequence, position + start, part, int(is_last))])
            if self._library.llama_decode(self.native, self._batch.native) != _DECODED:
                return None
        return self._logits()

    def close(self) -> None:
        """Free the context."""
        if self.native:
            self._library.llama_free(self.native)
            self.native = None

    def _logits(self) -> Floats:
        pointer = self._library.llama_get_logits_ith(self.native, -1)
        return np.ctypeslib.as_array(pointer, (self._vocabulary_size,))

    def _give_back(self, sequence: int) -> None:
        if self.native:
            self.forget(sequence, 0)
            self._free.append(sequence)


class MtpContext(DraftContext):
    """A context in which a model's MTP layer runs, on tokens and the hidden states before them."""

    def __init__(
        self,
        library: Any,
        context: Any,
        *,
        num_sequences: int,
        batch_size: int,
        vocabulary_size: int,
        hidden_size: int,
    ) -> None:
        super().__init__(
            library,
            context,
            num_sequences=num_sequences,
            batch_size=batch_size,
            vocabulary_size=vocabulary_size,
        )
        from llama_cpp import llama_cpp_ext  # noqa: PLC0415  (loads the library)

        self._next_states = llama_cpp_ext.llama_get_embeddings_nextn_ith
        self._hidden_size = hidden_size
        self._states = np.zeros((batch_size, hidden_size), np.float32)
        self._batch.native.embd = self._states.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

    def compute_with(
        self, sequence: int, token_ids: Sequence[int], states: Floats, position: int
    ) -> tuple[Floats, Floats] | None:
        """Append tokens (n,) with the hidden states (n, C) of the positions before them.

        The logits (V,) after the last one and its own hidden state (1, C); None where that fails.
        """
        logits = None
        for start in range(0, len(token_ids), self._batch_size):
            part = states[start : start + self._batch_size]  # (m, C)
            self._states[: len(part)] = part
            logits = self.compute(sequence, token_ids[start : start + len(part)], position + start)
            if logits is None:
                return None
        if logits is None:
            return None
        pointer = self._next_states(self.native, -1)  # of the last row with logits
        return logits, np.ctypeslib.as_array(pointer, (1, self._hidden_size)).copy()

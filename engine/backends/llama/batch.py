"""llama.cpp's batch: the tokens of one llama_decode call with their slots and positions.

The arrays are ours, so that filling them takes a slice per entry and not four stores per token.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.generation.backend import Entry


class Batch:
    """Room for the tokens of one call."""

    def __init__(self, library: Any, num_tokens: int) -> None:
        """`num_tokens` is the most that a call may have."""
        self._tokens = (ctypes.c_int32 * num_tokens)()
        self._positions = (ctypes.c_int32 * num_tokens)()
        self._slots = (ctypes.c_int32 * num_tokens)()
        self._wants_logits = (ctypes.c_int8 * num_tokens)()
        self._slot_counts = (ctypes.c_int32 * num_tokens)(*[1] * num_tokens)
        first, size = ctypes.addressof(self._slots), ctypes.sizeof(ctypes.c_int32)
        pointer = ctypes.POINTER(ctypes.c_int32)
        self._slot_pointers = (pointer * num_tokens)(
            *(ctypes.cast(first + size * index, pointer) for index in range(num_tokens))
        )
        self._token_view = np.ctypeslib.as_array(self._tokens)  # (num_tokens,)
        self._position_view = np.ctypeslib.as_array(self._positions)  # (num_tokens,)
        self._slot_view = np.ctypeslib.as_array(self._slots)  # (num_tokens,)
        self._logits_view = np.ctypeslib.as_array(self._wants_logits)  # (num_tokens,)
        self.native = library.llama_batch(
            n_tokens=0,
            token=self._tokens,
            embd=None,
            pos=self._positions,
            n_seq_id=self._slot_counts,
            seq_id=self._slot_pointers,
            logits=self._wants_logits,
        )

    def fill(self, entries: Sequence[Entry], sequences: Sequence[int] | None = None) -> list[int]:
        """Lay the entries out one after the other; returns the first row of logits of each.

        `sequences` gives llama.cpp's id for every slot, where that is not the slot itself.
        """
        start, rows = 0, list[int]()
        for entry in entries:
            sequence = entry.slot if sequences is None else sequences[entry.slot]
            length = len(entry.token_ids)
            end = start + length
            if length == 1:  # one token of a sequence that generates: by far the most calls
                self._tokens[start], self._positions[start] = entry.token_ids[0], entry.position
                self._slots[start], self._wants_logits[start] = sequence, entry.num_logits
            else:
                self._token_view[start:end] = entry.token_ids
                self._position_view[start:end] = np.arange(entry.position, entry.position + length)
                self._slot_view[start:end] = sequence
                self._logits_view[start:end] = 0
                self._logits_view[end - entry.num_logits : end] = 1
            rows.append(end - entry.num_logits)
            start = end
        self.native.n_tokens = start
        return rows

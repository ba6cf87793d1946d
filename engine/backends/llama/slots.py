"""Slots as llama.cpp's sequences: forgetting, copying, saving them, and having those side by side that run.

Where every sequence has a part of the KV cache for itself, or a recurrent state, llama.cpp computes a call in
one pass over the weights per run of ascending, adjacent sequence ids (llama-batch.cpp, `split_equal`). Eight
answers in reverse order take three times, in every second sequence twice as long as side by side
(docs/benchmarks.md, 2026-11-22). So entries are laid out by their ids, and slots that are computed together
for a while change places with what lies between them.
"""

import ctypes
import operator
from collections.abc import Sequence
from typing import Any

from engine.contract.errors import InternalError
from engine.generation.backend import Entry

PATIENCE = 8  # calls with gaps before slots are moved: an exchange costs about what a few passes do
_PARTIAL_STATE = 1  # llama.h, LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY


class Slots:
    """The sequences of one context. Which slot is which of them is known here alone."""

    def __init__(
        self,
        library: Any,
        context: Any,
        num_slots: int,
        *,
        is_shared: bool,
        is_recurrent: bool,
        can_truncate: bool,
    ) -> None:
        """`is_shared` says that any sequence may take any position of the KV cache."""
        self._library, self._context = library, context
        self._memory = library.llama_get_memory(context)
        self._is_shared, self._can_truncate = is_shared, can_truncate
        self.wants_neighbours = is_recurrent or not is_shared
        self.sequences = list(range(num_slots))  # slot → llama.cpp's sequence id, until the next call
        self._scattered_calls = 0

    def in_order(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The entries as llama.cpp wants them; slots may have changed places for it. Raises InternalError."""
        if len(entries) < 2 or not self.wants_neighbours:
            return entries
        given = [self.sequences[entry.slot] for entry in entries]
        if given[-1] - given[0] == len(given) - 1 and all(map(operator.lt, given, given[1:])):
            self._scattered_calls = 0
            return entries
        running = sorted(given)
        is_scattered = running[-1] - running[0] >= len(running)
        self._scattered_calls = self._scattered_calls + 1 if is_scattered else 0
        if self._scattered_calls > PATIENCE:  # one exchange per call: nobody waits for several
            self._exchange(*next_exchange(running, len(self.sequences)))
        return sorted(entries, key=lambda entry: self.sequences[entry.slot])

    def truncate(self, slot: int, length: int) -> bool:
        """Forget positions from `length` on; false, and nothing changed, where llama.cpp cannot."""
        return self._remove(self.sequences[slot], length)

    def copy(self, source: int, target: int, length: int) -> None:
        """Let an empty slot begin as another does, up to `length`, or all of it where it cannot be truncated.

        In a shared cache that takes no memory.
        """
        first, second = self.sequences[source], self.sequences[target]
        if self._is_shared:
            begin, end = (0, length) if self._can_truncate else (-1, -1)  # DeepSeek V4's aborts for a part
            self._library.llama_memory_seq_cp(self._memory, first, second, begin, end)
        else:  # llama.cpp puts its own copy off to the next call, and would copy what the source holds then
            self._write(second, self._read(first, 0), 0)
            self._remove(second, length)

    def save(self, slot: int, *, partial: bool) -> bytes:
        """What a slot holds, as llama.cpp writes it; `partial` leaves keys and values of attention out."""
        return bytes(self._read(self.sequences[slot], _PARTIAL_STATE if partial else 0))

    def restore(self, slot: int, state: bytes, *, partial: bool) -> bool:
        """Bring back what `save` gave; the slot is emptied where that fails."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        return self._write(self.sequences[slot], memoryview(buffer), _PARTIAL_STATE if partial else 0)

    def _exchange(self, first: int, second: int) -> None:
        """Let two sequences change places, and the slots that they belong to with them."""
        held = {first: second, second: first}
        states = {target: self._read(source, 0) for target, source in held.items() if self._is_used(source)}
        for sequence in held:
            self._remove(sequence, 0)
        for sequence, state in states.items():
            if not self._write(sequence, state, 0):
                raise InternalError("a sequence could not be moved within the KV cache")
        one, other = self.sequences.index(first), self.sequences.index(second)
        self.sequences[one], self.sequences[other] = second, first

    def _is_used(self, sequence: int) -> bool:
        return int(self._library.llama_memory_seq_pos_max(self._memory, sequence)) >= 0

    def _remove(self, sequence: int, length: int) -> bool:
        return bool(self._library.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def _read(self, sequence: int, flags: int) -> memoryview:
        size = self._library.llama_state_seq_get_size_ext(self._context, sequence, flags)
        buffer = (ctypes.c_uint8 * size)()
        written = self._library.llama_state_seq_get_data_ext(self._context, buffer, size, sequence, flags)
        return memoryview(buffer)[:written]

    def _write(self, sequence: int, state: memoryview, flags: int) -> bool:
        pointer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        read = self._library.llama_state_seq_set_data_ext(self._context, pointer, len(state), sequence, flags)
        if not read:
            self._remove(sequence, 0)
        return bool(read)


def next_exchange(running: Sequence[int], num_sequences: int) -> tuple[int, int]:
    """Which sequence changes places with which, so that in the end all that run lie side by side.

    `running` is ascending and has gaps. The stretch with the most of them is filled up from outside.
    """
    width, ids = len(running), set(running)

    def num_inside(start: int) -> int:
        return sum(1 for sequence in running if start <= sequence < start + width)

    start = max(range(num_sequences - width + 1), key=num_inside)
    outside = next(sequence for sequence in running if not start <= sequence < start + width)
    gap = next(sequence for sequence in range(start, start + width) if sequence not in ids)
    return outside, gap

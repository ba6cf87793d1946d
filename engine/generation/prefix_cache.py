"""What the slots of a backend hold, so that a prompt computes only what no slot knows yet.

A prompt gets the slot that shares the longest prefix with it. A slot of another conversation, a busy one, or
one whose other branch is worth keeping is copied from and stays as it is. Where slots or room in the KV cache
run out, what nobody will miss goes first: side requests, then branches that were left; conversations are
parked in RAM, the least recently used first. What outlives the process is kept on the disk (`kept_states`).
"""

from engine.generation.backend import Backend
from engine.generation.held import Checkpoint, Held
from engine.generation.kept_states import LEAST_TOKENS, KeptStates
from engine.generation.sequence import Sequence

KEPT_BRANCH = 64  # tokens; a shorter end of a conversation that its next prompt leaves is not worth a slot
LEAST_COPY = 16  # tokens; what shares less with a prompt is no reason to begin it in the middle of a batch
RESTORE_GAIN = 32  # tokens that a parked state has to know more than any slot to be brought back


class PrefixCache:
    """The token ids of every slot, and of what is parked."""

    def __init__(self, backend: Backend, *, parking_bytes: int = 0, kept: KeptStates | None = None) -> None:
        """`parking_bytes` of RAM are for what leaves the KV cache, and checkpoints; `kept` is on the disk."""
        self._backend = backend
        self._slots = [Held() for _ in range(backend.num_slots)]
        self._parked: list[Held] = []  # least recently used first
        self._parking_bytes = parking_bytes
        self._kept = kept
        self._clock = 0

    @property
    def parked_bytes(self) -> int:
        """RAM that parked states take."""
        return sum(held.size_bytes for held in self._parked)

    def acquire(self, sequence: Sequence) -> bool:
        """Give a sequence a slot that holds as much of its prompt as is known anywhere.

        At least the last token is left to compute, since its logits are needed. False where all slots are
        busy.
        """
        wanted, limit = sequence.token_ids, len(sequence.token_ids) - 1
        known = [min(held.common_length(wanted), limit) for held in self._slots]
        usable = [self._usable(held, length) for held, length in zip(self._slots, known, strict=True)]
        for slot, held in enumerate(self._slots):
            if held.conversation_id != sequence.conversation_id and usable[slot] < LEAST_COPY:
                usable[slot] = 0
        best = max(range(len(known)), key=lambda slot: (usable[slot], self._is_free_for(sequence, slot)))
        parked = self._best_parked(sequence, usable[best]) or self._best_kept(sequence, usable[best])
        if parked is not None:
            unparked = self._unpark(parked)
            if unparked is None:
                return self.acquire(sequence)  # as if it had never been parked
            slot = unparked
            length = self._shrink(slot, min(parked.common_length(wanted), limit))
        elif usable[best] and self._may_take(sequence, best, known[best]):
            slot, length = best, self._shrink(best, known[best])
        else:
            free = self._free_slot(besides=best if usable[best] else -1)
            if free is None:
                return False
            slot = free
            length = self._copied(best, slot, known[best]) if usable[best] else 0
        held = self._slots[slot]
        held.sequence, held.conversation_id = sequence, sequence.conversation_id
        sequence.slot, sequence.cached_length = slot, length
        if length and not self._backend.can_truncate and not held.has_checkpoint_at(length):
            self.add_checkpoint(
                sequence
            )  # the end of the last answer: the next question may be asked otherwise
        return True

    def release(self, sequence: Sequence) -> None:
        """A sequence has ended or pauses; what it computed is kept."""
        held = self._slots[sequence.slot]
        held.idle_token_ids, held.sequence = sequence.cached_token_ids, None
        self._clock += 1
        held.used_at = self._clock

    def park(self, sequence: Sequence) -> None:
        """A sequence pauses: its slot is given up, what it computed is kept in RAM where there is room."""
        self.release(sequence)
        self._evict(sequence.slot, keep=True)

    def keep_one(self) -> bool:
        """Write the state of one idle conversation to the disk; false where none has anything new to keep."""
        if self._kept is None:
            return False
        for slot, held in enumerate(self._slots):
            if held.is_idle and self._is_newest(held) and self._kept.is_worth_keeping(*_named(held)):
                self._kept.keep(*_named(held), self._backend.save_state(slot), held.checkpoints)
                return True
        for held in self._parked:
            if self._kept.is_worth_keeping(*_named(held)):
                self._kept.keep(*_named(held), held.state, held.checkpoints)
                return True
        return False

    def forget(self, conversation_id: str) -> None:
        """Keep nothing of a conversation any more; while an answer of it runs, its slot stays."""
        self._parked = [held for held in self._parked if held.conversation_id != conversation_id]
        for slot, held in enumerate(self._slots):
            if held.conversation_id == conversation_id:
                held.conversation_id = ""
                if held.is_idle:
                    self._evict(slot, keep=False)
        if self._kept is not None:
            self._kept.forget(conversation_id)

    def close(self) -> None:
        """Wait until what is kept is on the disk."""
        if self._kept is not None:
            self._kept.close()

    def add_checkpoint(self, sequence: Sequence) -> None:
        """Remember the state of recurrent layers as it is now."""
        state = self._backend.save_state(sequence.slot, partial=True)
        self._slots[sequence.slot].add_checkpoint(Checkpoint(sequence.cached_length, state))
        self._bound_checkpoints()

    def roll_back(self, sequence: Sequence) -> None:
        """Make the slot hold no more than the sequence says, after a call that ended on its way."""
        sequence.cached_length = self._shrink(sequence.slot, sequence.cached_length)

    def reserve(self, num_tokens: int) -> None:
        """Give up idle slots until so many positions are free, as far as is known.

        A running sequence would find room all the same, but in the gaps that they leave, out of order, and
        then attention rounds otherwise (docs/decisions/0011).
        """
        while self._used_positions + num_tokens > self._backend.num_positions and self.make_room():
            pass

    @property
    def _used_positions(self) -> int:
        return sum(held.length - min(held.length, held.shared_length) for held in self._slots)

    def make_room(self) -> bool:
        """Give up one idle slot, so that others find room in the KV cache; false where none is idle."""
        slot = self._least_wanted(besides=-1)
        if slot is None:
            return False
        self._evict(slot, keep=True)
        return True

    # choosing

    def _usable(self, held: Held, length: int) -> int:
        """How much of a common prefix a slot can go back to."""
        if self._backend.can_truncate or length == held.length:
            return length
        checkpoint = held.checkpoint_within(length)
        return checkpoint.length if checkpoint else 0

    def _is_free_for(self, sequence: Sequence, slot: int) -> bool:
        held = self._slots[slot]
        return held.is_idle and held.conversation_id in ("", sequence.conversation_id)

    def _may_take(self, sequence: Sequence, slot: int, length: int) -> bool:
        """Whether a slot may be used up: it belongs to nobody else and no branch worth keeping is lost."""
        held = self._slots[slot]
        if not self._is_free_for(sequence, slot):
            return False
        return held.length - length < KEPT_BRANCH or not any(other.is_empty for other in self._slots)

    def _best_parked(self, sequence: Sequence, in_slots: int) -> Held | None:
        """The conversation's own parked state, where it knows more of the prompt than any slot does."""
        best, most = None, in_slots + RESTORE_GAIN
        for held in self._parked:
            if held.conversation_id != sequence.conversation_id:
                continue
            known = min(held.common_length(sequence.token_ids), len(sequence.token_ids) - 1)
            if (usable := self._usable(held, known)) > most:
                best, most = held, usable
        return best

    def _best_kept(self, sequence: Sequence, in_slots: int) -> Held | None:
        """What the disk holds, where that knows a good deal more of the prompt than any slot does."""
        if self._kept is None or sequence.pending_length - in_slots < LEAST_TOKENS:
            return None
        context_length = self._backend.loaded.context_length
        kept = self._kept.best(sequence.token_ids, more_than=in_slots, longest=context_length)
        if kept is None:
            return None
        known = min(kept.common_length(sequence.token_ids), len(sequence.token_ids) - 1)
        return kept if self._usable(kept, known) > in_slots + RESTORE_GAIN else None

    def _free_slot(self, besides: int = -1) -> int | None:
        """An empty slot, emptied for the purpose if need be; None where all are busy."""
        empty = next((slot for slot, held in enumerate(self._slots) if held.is_empty), None)
        if empty is not None:
            return empty
        slot = self._least_wanted(besides)
        if slot is None and besides >= 0:  # the one to copy from is the only idle one
            slot = self._least_wanted(besides=-1)
        if slot is not None:
            self._evict(slot, keep=True)
        return slot

    def _least_wanted(self, besides: int) -> int | None:
        """The idle slot that is missed least: of a side request, of a branch that was left, or the oldest."""
        newest: dict[str, int] = {}
        for held in self._slots:
            newest[held.conversation_id] = max(held.used_at, newest.get(held.conversation_id, 0))

        def value(slot: int) -> tuple[bool, bool, int]:
            held = self._slots[slot]
            return bool(held.conversation_id), held.used_at == newest[held.conversation_id], held.used_at

        idle = [slot for slot, held in enumerate(self._slots) if held.is_idle and slot != besides]
        return min(idle, key=value, default=None)

    # doing

    def _shrink(self, slot: int, length: int) -> int:
        """Let a slot forget its end, or go back to a checkpoint before it; returns what it then holds."""
        held = self._slots[slot]
        if not self._backend.truncate(slot, length):
            checkpoint = held.checkpoint_within(length)
            length = 0
            if checkpoint and self._backend.restore_state(slot, checkpoint.state, partial=True):
                length = checkpoint.length
            if not self._backend.truncate(slot, length):
                self._backend.truncate(slot, 0)
                length = 0
        held.forget_beyond(length)
        held.idle_token_ids = held.token_ids[:length]
        return length

    def _copied(self, source: int, target: int, length: int) -> int:
        """Let an empty slot begin as another one does; returns how many tokens it then holds."""
        if source == target:  # it had to be emptied after all
            return 0
        giver, taker = self._slots[source], self._slots[target]
        held_length = length if self._backend.can_truncate else giver.length
        self._backend.copy(source, target, held_length)
        taker.idle_token_ids = giver.token_ids[:held_length]
        taker.checkpoints = list(giver.checkpoints)
        taker.shared_length = length
        return self._shrink(target, length)

    def _evict(self, slot: int, *, keep: bool) -> None:
        """Empty an idle slot; what belongs to a conversation is parked if there is RAM for it."""
        held = self._slots[slot]
        if keep and held.conversation_id and self._is_newest(held) and self._parking_bytes:
            self._park(held, self._backend.save_state(slot))
        self._backend.truncate(slot, 0)
        held.clear()

    def _bound_checkpoints(self) -> None:
        """Forget checkpoints until they are within the budget with what is parked.

        Older ones first, of what was used longest ago; then parked conversations, then the last ones.
        """
        by_use = sorted(self._slots, key=lambda held: (held.sequence is not None, held.used_at))
        excess = self.parked_bytes + sum(held.size_bytes for held in self._slots) - self._parking_bytes
        for least in (1, 0):
            for held in by_use:
                while excess > 0 and len(held.checkpoints) > least:
                    excess -= len(held.checkpoints.pop(0).state)
            while excess > 0 and self._parked:
                excess -= self._parked.pop(0).size_bytes

    def _is_newest(self, held: Held) -> bool:
        """Whether no other slot has a newer branch of the same conversation."""
        return all(
            other.conversation_id != held.conversation_id or other.used_at <= held.used_at
            for other in self._slots
        )

    def _park(self, held: Held, state: bytes) -> None:
        parked = Held(held.conversation_id, held.idle_token_ids, held.checkpoints, state=state)
        self._parked = [other for other in self._parked if other.conversation_id != held.conversation_id]
        self._parked.append(parked)
        while self.parked_bytes > self._parking_bytes:
            self._parked.pop(0)

    def _unpark(self, parked: Held) -> int | None:
        """Bring a parked or kept state back into a slot; None, and it is gone, where there is no room."""
        if parked in self._parked:
            self._parked.remove(parked)
        slot = self._free_slot()
        while slot is None or not self._backend.restore_state(slot, parked.state):
            if slot is None or not self.make_room():
                if self._kept is not None:
                    self._kept.dismiss(parked)
                return None
        held = self._slots[slot]
        held.idle_token_ids, held.checkpoints = parked.idle_token_ids, list(parked.checkpoints)
        held.conversation_id = parked.conversation_id
        return slot


def _named(held: Held) -> tuple[str, list[int]]:
    return held.conversation_id, held.token_ids

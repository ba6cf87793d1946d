"""Continuous batching: several sequences in one model, a batch of tokens of them at every step.

After Orca (Yu et al., OSDI 2022): sequences enter and leave between any two steps. A step computes one token
of every sequence that generates, all in one call, and a chunk of a prompt that is still read.
Knows nothing of text, chat templates or processes; everything here is token ids and logits.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.contract.errors import EngineError, InternalError
from engine.contract.messages import FinishReason
from engine.generation.backend import Backend, CacheFull, DecodeCancelled, Entry
from engine.generation.chunk_size import ChunkSize, chunk_goal_s
from engine.generation.draft_depth import DraftDepth
from engine.generation.logprobs import Logprob, logprob_of
from engine.generation.prefix_cache import PrefixCache
from engine.generation.sequence import Sequence, never

EXPECTED_ANSWER = 1024  # tokens that an answer finds room for without anybody having to leave meanwhile
SHORT = 16  # tokens: as few as these go along with those that generate, where they were forced

Planned = tuple[Sequence, Entry]

log = logging.getLogger("retort.generation")


@dataclass(frozen=True, slots=True)
class Generated:
    """One more token of a sequence, not its end token."""

    sequence: Sequence
    token: int
    logprob: Logprob | None = None  # of tokens that were sampled, where the sequence asks for it


@dataclass(slots=True)
class StepResult:
    """What a step brought, in order; the sequences that ended in it say how."""

    generated: list[Generated]
    ended: list[Sequence]


class Scheduler:
    """Owns the sequences that run or wait. Not for several threads at once."""

    def __init__(
        self, backend: Backend, prefix_cache: PrefixCache, *, has_arrivals: Callable[[], bool] = never
    ) -> None:
        """Nothing runs yet. `has_arrivals` says, during a call too, whether somebody waits to be added."""
        self._backend, self._cache, self._has_arrivals = backend, prefix_cache, has_arrivals
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []  # whoever was left out of the last batch stands first
        self._most_running = min(backend.loaded.sequences, backend.num_slots)
        self._is_crowded = False  # one was paused for lack of room: nobody enters before another has left
        self._chunk = ChunkSize(backend.batch_size)
        self._step_s = 0.0  # what the last call took of those that generate; 0 where nobody did
        self._depth = DraftDepth()
        self._result = StepResult([], [])

    @property
    def has_work(self) -> bool:
        """Whether a step would do anything."""
        return bool(self._running or self._waiting)

    def add(self, sequence: Sequence) -> None:
        """Let a sequence run as soon as there is a place; they get theirs in the order they came."""
        self._waiting.append(sequence)

    def finish(self, sequence: Sequence, reason: FinishReason) -> None:
        """End a sequence from outside, where its text says so; it is in no result any more."""
        if not sequence.has_ended:
            self._end(sequence, reason)

    def step(self) -> StepResult:
        """A token for every sequence whose prompt is read, and a part of the prompts of the others."""
        self._result = StepResult([], [])
        self._end_those_that_may_not_go_on()
        self._admit()
        for sequence in list(self._running):
            self._take_forced(sequence)
        self._generate()
        self._read()
        return self._result

    # who runs

    def _end_those_that_may_not_go_on(self) -> None:
        for sequence in [*self._running, *self._waiting]:
            if sequence.cancelled():
                self._end_here(sequence, "cancelled")
            elif sequence.generated_length >= sequence.max_tokens:
                self._end_here(sequence, "length")
            elif len(sequence.token_ids) > self._backend.loaded.context_length:
                self._end_here(sequence, "context")

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._most_running and not self._is_crowded:
            sequence = self._waiting[0]
            if not self._cache.acquire(sequence):
                return
            self._waiting.popleft()
            self._running.append(sequence)
            sequence.expert_counts_before = self._backend.expert_counts(sequence.slot)
            expected = min(sequence.max_tokens - sequence.generated_length, EXPECTED_ANSWER)
            self._cache.reserve(sequence.pending_length + expected)
            if not sequence.started_s:  # not one that paused
                sequence.started_s, sequence.reused_length = time.perf_counter(), sequence.cached_length

    def _pause_youngest(self) -> None:
        """Give up the place of the sequence that came last; it waits at the front."""
        youngest = max(self._running, key=lambda sequence: sequence.started_s)
        self._running.remove(youngest)
        self._cache.park(youngest)
        youngest.cached_length = 0
        self._waiting.appendleft(youngest)
        self._is_crowded = True

    def _end_here(self, sequence: Sequence, reason: FinishReason | None) -> None:
        self._end(sequence, reason)
        self._result.ended.append(sequence)

    def _end(self, sequence: Sequence, reason: FinishReason | None) -> None:
        sequence.reason = reason
        if sequence in self._running:
            self._running.remove(sequence)
            self._cache.release(sequence)
        else:
            self._waiting.remove(sequence)
        sequence.sampler.close()
        if sequence.drafting is not None:
            sequence.drafting.end()
        self._is_crowded = False

    # what a call computes

    def _generate(self) -> None:
        """One call for those whose prompts are read, with guesses where they are made."""
        planned, self._step_s = self._generating(), 0.0
        drafting = [s.drafting for s, _ in planned if s.drafting is not None and s.pending_length == 1]
        if not drafting:
            self._compute(planned)
            return
        depth = self._depth.begin(drafting)
        if self._depth.is_asleep:
            self._compute(planned)
            return
        before = sum(sequence.generated_length for sequence, _ in planned)
        room = self._backend.batch_size - sum(len(entry.token_ids) for _, entry in planned)
        most = min(depth, room // len(drafting))
        self._compute([(sequence, self._with_drafts(sequence, entry, most)) for sequence, entry in planned])
        brought = sum(sequence.generated_length for sequence, _ in planned) - before
        self._depth.end(brought, is_undecided=any(one.is_undecided for one in drafting))

    def _generating(self) -> list[Planned]:
        """A token, or the few that were forced, of every sequence whose prompt is read."""
        room = self._backend.batch_size
        planned: list[Planned] = []
        left_out: list[Sequence] = []
        for sequence in self._running:
            length = sequence.pending_length
            if is_reading(sequence):
                continue
            if length <= room:
                planned.append((sequence, entry_of(sequence, length)))
                room -= length
            else:
                left_out.append(sequence)
        self._put_first(left_out)
        return planned

    def _read(self) -> None:
        """The next chunk of one prompt, or several short ones, for as long as running answers may wait.

        A prompt in a call of its own is computed as if nothing else ran: greedy answers depend on it
        (docs/decisions/0011). Prompts take turns; alone, one is read in whole batches.
        """
        waiting = [sequence for sequence in self._running if is_reading(sequence)]
        if not waiting:
            return
        room = self._backend.batch_size if self._reads_alone() else self._chunk.tokens(self._step_s)
        started = time.perf_counter()
        left_out: list[Sequence] = []
        for number, sequence in enumerate(waiting):
            length = self._next_length(sequence)
            if number == 0:
                length = min(length, room)
            elapsed_s = time.perf_counter() - started  # every call reads all weights, however short it is
            if length <= room and elapsed_s + elapsed_s / max(number, 1) <= chunk_goal_s(self._step_s):
                self._compute([(sequence, entry_of(sequence, length))])
                room -= length
            else:
                left_out.append(sequence)
        self._put_first([sequence for sequence in left_out if sequence in self._running])

    def _reads_alone(self) -> bool:
        return len(self._running) == 1 and self._backend.is_interruptible

    def _put_first(self, left_out: list[Sequence]) -> None:
        if left_out:
            self._running = left_out + [sequence for sequence in self._running if sequence not in left_out]

    def _with_drafts(self, sequence: Sequence, entry: Entry, most: int) -> Entry:
        """The entry with at most so many guesses behind it."""
        if sequence.drafting is None or sequence.pending_length != 1:
            return entry
        left = sequence.max_tokens - sequence.generated_length - 1
        most = min(most, left, self._backend.loaded.context_length - len(sequence.token_ids))
        if most <= 0:
            return entry
        try:
            drafts = sequence.drafting.propose(sequence.token_ids, most)
        except Exception as error:
            log.exception("guessing failed")
            self._fail(sequence, error)
            return entry
        return replace(entry, token_ids=[*entry.token_ids, *drafts], num_logits=1 + len(drafts))

    def _next_length(self, sequence: Sequence) -> int:
        """Tokens to compute next: all that are known, but up to where a checkpoint is kept."""
        if not self._backend.can_truncate:
            before_checkpoint = sequence.prompt_length - 1 - sequence.cached_length
            if before_checkpoint > 0:
                return before_checkpoint
        return sequence.pending_length

    # computing it

    def _compute(self, planned: list[Planned]) -> None:
        """One call; nothing where all of its sequences have had to leave meanwhile."""
        planned = [
            (sequence, entry)
            for sequence, entry in planned
            if sequence in self._running and sequence.cached_length == entry.position
        ]
        if not planned:
            return
        sequences = [sequence for sequence, _ in planned]
        entries = [entry for _, entry in planned]
        reads = is_reading(sequences[0])
        # whoever comes while one prompt has the model for itself would wait for a whole batch of it
        gives_way = reads and self._reads_alone() and self._backend.can_truncate and self._most_running > 1

        def cancelled() -> bool:
            return all(s.cancelled() for s in sequences) or (gives_way and self._has_arrivals())

        started = time.perf_counter()
        try:
            rows = self._backend.decode(entries, cancelled)
        except DecodeCancelled:
            self._chunk.note_unfinished(len(entries[0].token_ids), time.perf_counter() - started)
            for sequence in sequences:
                self._cache.roll_back(sequence)
            return
        except CacheFull:
            if any(entry.num_logits > 1 for entry in entries):
                self._compute([withdrawn(*one) for one in planned])
            else:
                self._make_room()
            return
        except EngineError as error:
            self._isolate(planned, error)
            return
        elapsed_s = time.perf_counter() - started
        if reads:
            self._chunk.note(len(entries[0].token_ids), elapsed_s)
        else:
            self._step_s = elapsed_s
        for (sequence, entry), row in zip(planned, rows, strict=True):
            if sequence.drafting is None or sequence.drafting.is_plain(entry):
                self._advance(sequence, entry, row)
            else:
                self._advance_with_drafts(sequence, entry, row)

    def _make_room(self) -> None:
        """The KV cache is full though every sequence is within its context length."""
        if self._cache.make_room():
            return
        if len(self._running) > 1:
            self._pause_youngest()
        else:
            self._end_here(self._running[0], "context")

    def _isolate(self, planned: list[Planned], error: EngineError) -> None:
        """A call failed: of several sequences each is tried alone, so that only the one at fault ends."""
        for sequence, _ in planned:
            self._cache.roll_back(sequence)
        if len(planned) > 1:
            for sequence, entry in planned:
                self._compute([(sequence, entry)])
            return
        ((sequence, _),) = planned
        sequence.error = error
        self._end_here(sequence, None)

    def _advance(self, sequence: Sequence, entry: Entry, row: int) -> None:
        """Take note of what was computed; sample where the last known token was among it."""
        sequence.cached_length += len(entry.token_ids)
        if sequence.drafting is not None:
            sequence.drafting.observe(entry)
        if not self._backend.can_truncate and sequence.cached_length == sequence.prompt_length - 1:
            self._cache.add_checkpoint(sequence)
        if not entry.num_logits:
            return
        try:
            token = sequence.sampler.sample(row)
        except Exception as error:
            log.exception("sampling failed")
            self._fail(sequence, error)
            return
        sequence.token_ids.append(token)
        self._append(sequence, token, self._logprob(sequence, token, row))

    def _advance_with_drafts(self, sequence: Sequence, entry: Entry, row: int) -> None:
        """The same where several tokens may have come at once."""
        assert sequence.drafting is not None
        rows = [self._backend.logits(row + number) for number in range(entry.num_logits)]  # (V,) each
        try:
            tokens, kept = sequence.drafting.judge(entry, rows, sequence.token_ids)
        except Exception as error:
            log.exception("judging guesses failed")
            self._fail(sequence, error)
            return
        sequence.cached_length += kept
        for number, token in enumerate(tokens):
            if not sequence.has_ended:
                sequence.sampler.accept(token)
                sequence.token_ids.append(token)
                self._append(sequence, token, self._logprob(sequence, token, row + number))

    def _fail(self, sequence: Sequence, error: Exception) -> None:
        """The edge of a sequence: a fault ends this one alone."""
        sequence.error = error if isinstance(error, EngineError) else InternalError(repr(error))
        self._end_here(sequence, None)

    def _logprob(self, sequence: Sequence, token: int, row: int) -> Logprob | None:
        if sequence.logprobs is None:
            return None
        return logprob_of(self._backend.logits(row), token, sequence.logprobs)

    def _take_forced(self, sequence: Sequence) -> None:
        for token in sequence.take_forced():
            if not sequence.has_ended:
                sequence.sampler.accept(token)
                if sequence.drafting is not None:
                    sequence.drafting.accept(token)
                sequence.token_ids.append(token)
                self._append(sequence, token)

    def _append(self, sequence: Sequence, token: int, logprob: Logprob | None = None) -> None:
        """Hand a token on that stands at the sequence's end now, and see whether it was the last."""
        if token in self._backend.end_tokens:
            self._end_here(sequence, "stop")
            return
        self._result.generated.append(Generated(sequence, token, logprob))
        if sequence.generated_length >= sequence.max_tokens:
            self._end_here(sequence, "length")


def is_reading(sequence: Sequence) -> bool:
    """Whether there is more to compute than goes along with the tokens of those that generate."""
    return sequence.cached_length + 1 < sequence.prompt_length or sequence.pending_length > SHORT


def entry_of(sequence: Sequence, length: int) -> Entry:
    """The next `length` tokens of a sequence; logits only where no more of it is known."""
    position = sequence.cached_length
    token_ids = sequence.token_ids[position : position + length]
    return Entry(sequence.slot, position, token_ids, int(length == sequence.pending_length))


def withdrawn(sequence: Sequence, entry: Entry) -> Planned:
    """The same without guesses."""
    if sequence.drafting is None or entry.num_logits < 2:
        return sequence, entry
    sequence.drafting.withdraw()
    return sequence, entry_of(sequence, sequence.pending_length)

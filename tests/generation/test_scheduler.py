import itertools
from collections.abc import Sequence as Items
from dataclasses import replace

import pytest

from engine.backends.fake import FakeBackend
from engine.contract.errors import InternalError
from engine.contract.params import LoadParams
from engine.generation.backend import Cancelled, Entry
from tests.support.generation import new_scheduler, new_sequence, run, tokens_of


class CountingBackend(FakeBackend):
    """Remembers what every call was asked for."""

    def __init__(self, model: str, params: LoadParams) -> None:
        super().__init__(model, params, lambda _: None, lambda: False)
        self.calls: list[list[Entry]] = []

    def decode(self, entries: Items[Entry], cancelled: Cancelled) -> list[int]:
        self.calls.append(list(entries))
        return super().decode(entries, cancelled)

    @property
    def computed(self) -> int:
        """Tokens over all calls."""
        return sum(len(entry.token_ids) for call in self.calls for entry in call)


def load(
    model: str = "fake:tokens=5,text=abc",
    *,
    context_length: int = 4096,
    batch_size: int = 512,
    sequences: int = 4,
) -> CountingBackend:
    return CountingBackend(
        model, LoadParams(context_length=context_length, batch_size=batch_size, sequences=sequences)
    )


def cancelled_after(looks: int) -> Cancelled:
    answers = itertools.chain([False] * looks, itertools.repeat(True))
    return lambda: next(answers)


def test_an_answer_ends_at_the_end_token_which_is_not_shown() -> None:
    backend = load()
    sequence = new_sequence(backend, "hello")
    assert bytes(one.token for one in run(new_scheduler(backend), sequence)) == b"abcab"
    assert (sequence.reason, sequence.generated_length) == ("stop", 6)
    assert sequence.token_ids[-1] in backend.end_tokens


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_an_answer_ends_at_the_limit(limit: int) -> None:
    backend = load()
    sequence = new_sequence(backend, "hello", max_tokens=limit)
    assert len(run(new_scheduler(backend), sequence)) == limit
    assert sequence.reason == "length"


def test_a_full_context_is_a_reason_of_its_own_and_every_position_of_it_was_used() -> None:
    backend = load("fake:tokens=50", context_length=12)
    sequence = new_sequence(backend, "12345678")
    assert len(run(new_scheduler(backend), sequence)) == 5  # the last one needs no position of its own
    assert (sequence.reason, sequence.cached_length) == ("context", 12)


def test_what_is_cached_is_everything_but_the_newest_token() -> None:
    backend = load()
    sequence = new_sequence(backend, "hello", max_tokens=3)
    run(new_scheduler(backend), sequence)
    assert backend.held(sequence.slot) == sequence.token_ids[:-1]


def test_a_prompt_alone_is_computed_in_whole_batches_where_a_call_can_be_interrupted() -> None:
    backend = load(batch_size=32)
    backend.is_interruptible = True
    run(new_scheduler(backend), new_sequence(backend, "x" * 100, max_tokens=1))
    assert [len(call[0].token_ids) for call in backend.calls] == [32, 32, 32, 4]


def test_several_answers_share_every_call() -> None:
    backend = load("fake:tokens=20,text=abc")
    sequences = [new_sequence(backend, f"prompt {number}") for number in range(4)]
    generated = run(new_scheduler(backend), *sequences)
    assert {len(tokens_of(generated, sequence)) for sequence in sequences} == {20}
    assert [len(call) for call in backend.calls] == [1] * 4 + [4] * 20  # every prompt for itself, then all


def test_no_more_run_at_a_time_than_were_asked_for_and_all_get_their_turn() -> None:
    backend = load("fake:tokens=3", sequences=2)
    sequences = [new_sequence(backend, "hello") for _ in range(5)]
    generated = run(new_scheduler(backend), *sequences)
    assert max(len(call) for call in backend.calls) == 2
    assert [len(tokens_of(generated, sequence)) for sequence in sequences] == [3] * 5


def test_a_running_answer_gets_its_token_at_every_step_while_another_prompt_is_read() -> None:
    backend = load("fake:tokens=100", batch_size=64)
    scheduler = new_scheduler(backend)
    running, reading = new_sequence(backend, "hello"), new_sequence(backend, "x" * 400)
    scheduler.add(running)
    scheduler.step()
    scheduler.add(reading)
    while reading.generated_length == 0:
        before = running.generated_length
        scheduler.step()
        assert running.generated_length == before + 1


def test_prompts_are_read_in_equal_shares_so_that_a_short_one_does_not_wait_for_a_long_one() -> None:
    backend = load(batch_size=64)
    scheduler = new_scheduler(backend)
    long, short = new_sequence(backend, "x" * 2000), new_sequence(backend, "y" * 60)
    scheduler.add(long)
    scheduler.add(short)
    steps = 0
    while short.generated_length == 0:
        scheduler.step()
        steps += 1
    assert steps <= 3
    assert long.cached_length < 200


def test_a_batch_smaller_than_the_number_of_answers_still_serves_all() -> None:
    backend = load("fake:tokens=10", batch_size=2)
    sequences = [new_sequence(backend, "abc") for _ in range(4)]
    scheduler = new_scheduler(backend)
    for sequence in sequences:
        scheduler.add(sequence)
    while not any(sequence.has_ended for sequence in sequences):
        scheduler.step()
    lengths = [sequence.generated_length for sequence in sequences]
    assert max(lengths) - min(lengths) <= 2


def test_a_call_beside_a_running_answer_is_sized_by_the_speed_that_was_seen() -> None:
    backend = load("fake:prefill_rate=2000,tokens=1000", batch_size=2048)
    scheduler = new_scheduler(backend)
    scheduler.add(new_sequence(backend, "hello"))
    scheduler.step()
    scheduler.add(new_sequence(backend, "x" * 3000))
    for _ in range(10):
        scheduler.step()
    assert 100 < max(sum(len(entry.token_ids) for entry in call) for call in backend.calls) <= 700


def test_cancel_during_prefill_yields_nothing_and_keeps_what_was_cached() -> None:
    backend = load(batch_size=16)
    sequence = new_sequence(backend, "x" * 100, cancelled=cancelled_after(4))
    assert run(new_scheduler(backend), sequence) == []
    assert sequence.reason == "cancelled"
    assert 0 < sequence.cached_length < 100
    assert backend.held(sequence.slot) == sequence.token_ids[: sequence.cached_length]


def test_cancel_between_tokens_keeps_those_so_far() -> None:
    backend = load("fake:tokens=50")
    sequence = new_sequence(backend, "hello", cancelled=cancelled_after(10))
    assert 0 < len(run(new_scheduler(backend), sequence)) < 50


def test_cancelling_one_of_several_disturbs_no_other() -> None:
    backend = load("fake:tokens=30,text=abc")
    others = [new_sequence(backend, "hello") for _ in range(2)]
    one = new_sequence(backend, "x" * 300, cancelled=cancelled_after(6))
    generated = run(new_scheduler(backend), others[0], one, others[1])
    assert one.reason == "cancelled"
    for other in others:
        assert (other.reason, bytes(tokens_of(generated, other))) == ("stop", b"abc" * 10)


def test_cancelling_one_that_waits_ends_it_at_once() -> None:
    backend = load("fake:tokens=30", sequences=1)
    scheduler = new_scheduler(backend)
    scheduler.add(new_sequence(backend, "hello"))
    waiting = new_sequence(backend, "hello", cancelled=lambda: True)
    scheduler.add(waiting)
    assert scheduler.step().ended == [waiting]


class BrokenSampler:
    """Fails at the third token."""

    def __init__(self) -> None:
        self.left = 3

    def sample(self, row: int) -> int:
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError
        return 65

    def accept(self, token: int) -> None: ...

    def close(self) -> None: ...


def test_a_sampler_that_fails_ends_its_own_answer_alone() -> None:
    backend = load("fake:tokens=10")
    broken, sound = new_sequence(backend, "hello"), new_sequence(backend, "hello")
    broken.sampler = BrokenSampler()
    generated = run(new_scheduler(backend), broken, sound)
    assert isinstance(broken.error, InternalError)
    assert len(tokens_of(generated, sound)) == 10


class Picky(CountingBackend):
    """Fails every call with an x in it."""

    def decode(self, entries: Items[Entry], cancelled: Cancelled) -> list[int]:
        if any(ord("x") in entry.token_ids for entry in entries):
            raise InternalError("no x, please")
        return super().decode(entries, cancelled)


def test_of_a_call_that_fails_only_the_one_at_fault_ends() -> None:
    backend = Picky("fake:tokens=10", LoadParams())
    faulty, sound = new_sequence(backend, "xxx"), new_sequence(backend, "hello")
    generated = run(new_scheduler(backend), faulty, sound)
    assert faulty.error is not None
    assert faulty.error.message == "no x, please"
    assert (sound.reason, len(tokens_of(generated, sound))) == ("stop", 10)


def test_forced_tokens_come_next_and_sampling_goes_on_after_them() -> None:
    backend = load("fake:tokens=6,text=abc")
    scheduler, sequence = new_scheduler(backend), new_sequence(backend, "hello")
    scheduler.add(sequence)
    (first,) = scheduler.step().generated
    sequence.force(list(b"XYZ"))
    rest = [one.token for one in run(scheduler)]
    assert bytes([first.token, *rest]) == b"aXYZbcabc"
    assert backend.held(sequence.slot) == sequence.token_ids[:-1]
    assert backend.calls[1][0].token_ids == list(b"aXYZ")  # in one call


def test_forced_tokens_end_at_the_limit_and_at_an_end_token() -> None:
    for forced, limit, expected, reason in (
        (list(b"XYZ"), 3, b"aXY", "length"),
        ([88, 257, 89], 9, b"aX", "stop"),
    ):
        backend = load("fake:text=abc")
        scheduler, sequence = new_scheduler(backend), new_sequence(backend, "hello", max_tokens=limit)
        scheduler.add(sequence)
        (first,) = scheduler.step().generated
        sequence.force(forced)
        assert bytes([first.token, *(one.token for one in run(scheduler))]) == expected
        assert sequence.reason == reason


def test_when_the_positions_run_out_idle_conversations_leave_first() -> None:
    backend = load("fake:tokens=20,positions=120", context_length=100)
    scheduler = new_scheduler(backend)
    run(scheduler, new_sequence(backend, "a" * 60, conversation_id="a"))
    later = new_sequence(backend, "b" * 60, conversation_id="b")
    assert len(run(scheduler, later)) == 20
    again = new_sequence(backend, "a" * 60, conversation_id="a")
    run(scheduler, again)
    assert again.reused_length == 59  # it was parked, and came back


def test_when_the_positions_run_out_among_running_ones_the_youngest_waits_and_goes_on_later() -> None:
    backend = load("fake:tokens=60,positions=150,text=abc", context_length=140)
    first, second = (new_sequence(backend, letter * 50, conversation_id=letter) for letter in "ab")
    generated = run(new_scheduler(backend), first, second)
    for sequence in (first, second):
        assert (sequence.reason, bytes(tokens_of(generated, sequence))) == ("stop", b"abc" * 20)
    ends = [max(n for n, one in enumerate(generated) if one.sequence is s) for s in (first, second)]
    assert ends[0] < ends[1]


def test_one_that_runs_alone_and_finds_no_room_has_reached_its_context() -> None:
    backend = load("fake:tokens=60,positions=40", context_length=100)
    sequence = new_sequence(backend, "hello")
    run(new_scheduler(backend), sequence)
    assert sequence.reason == "context"


def test_logprobs_come_with_tokens_that_were_sampled_where_asked_for() -> None:
    backend = load("fake:tokens=4")
    asking, other = new_sequence(backend, "hello", logprobs=3), new_sequence(backend, "hello")
    generated = run(new_scheduler(backend), asking, other)
    for one in generated:
        if one.sequence is asking:
            assert one.logprob is not None
            assert len(one.logprob.alternatives) == 3
        else:
            assert one.logprob is None


def test_a_short_prompt_gets_the_next_turn_after_a_chunk_of_a_long_one() -> None:
    backend = load("fake:tokens=50", batch_size=64)
    scheduler = new_scheduler(backend)
    scheduler.add(new_sequence(backend, "x" * 1000))
    scheduler.step()
    short = new_sequence(backend, "y" * 20)
    scheduler.add(short)
    while not short.generated_length:
        scheduler.step()
    assert [len(call[0].token_ids) for call in backend.calls] == [64, 64, 20]


def test_entries_of_a_call_follow_on_what_their_slots_hold() -> None:
    entry = Entry(0, 3, [1, 2])
    with pytest.raises(InternalError, match="does not follow"):
        load().decode([replace(entry, position=4)], lambda: False)

"""How running answers and long prompts share a model, by a clock that only decode calls move.

A call takes a pass over the weights and something per token, as a real one does; nothing here depends on the
machine that runs the test.
"""

import time
from collections.abc import Iterator
from collections.abc import Sequence as Items

import pytest

from engine.backends.fake import FakeBackend
from engine.contract.params import LoadParams
from engine.generation.backend import Cancelled, DecodeCancelled, Entry
from engine.generation.chunk_size import GOAL_S
from engine.generation.prefix_cache import PrefixCache
from engine.generation.scheduler import Scheduler
from engine.generation.sequence import Sequence
from tests.support.generation import new_scheduler, new_sequence

PROMISED_S = 0.3
PROMPT = 4000  # tokens


class TimedBackend(FakeBackend):
    """Moves a clock by what a call would take."""

    def __init__(self, *, pass_s: float, token_s: float, is_interruptible: bool = False) -> None:
        params = LoadParams(context_length=8192, sequences=4)
        super().__init__("fake:tokens=5000", params, lambda _: None, lambda: False)
        self.is_interruptible = is_interruptible
        self.now, self._pass_s, self._token_s = 0.0, pass_s, token_s

    def decode(self, entries: Items[Entry], cancelled: Cancelled) -> list[int]:
        num_tokens = sum(len(entry.token_ids) for entry in entries)
        duration_s = self._pass_s + num_tokens * self._token_s
        for _ in range(20):  # looks for a cancel on its way
            self.now += duration_s / 20
            if self.is_interruptible and cancelled():
                raise DecodeCancelled
        return super().decode(entries, cancelled)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[TimedBackend]]:
    """A place for the backend whose clock counts."""
    holder: list[TimedBackend] = []
    monkeypatch.setattr(time, "perf_counter", lambda: holder[0].now if holder else 0.0)
    yield holder


def longest_gap_s(
    backend: TimedBackend, scheduler: Scheduler, running: Sequence, prompts: list[Sequence]
) -> float:
    """Between two tokens of the running answer, until all prompts are read."""
    scheduler.add(running)
    while running.generated_length < 3:
        scheduler.step()
    for prompt in prompts:
        scheduler.add(prompt)
    longest, last_s = 0.0, backend.now
    while not all(prompt.generated_length for prompt in prompts):
        before = running.generated_length
        scheduler.step()
        if running.generated_length > before:
            longest, last_s = max(longest, backend.now - last_s), backend.now
    return longest


@pytest.mark.parametrize("num_prompts", [1, 2])
@pytest.mark.parametrize(
    ("pass_s", "token_s"), [(0.001, 0.0001), (0.02, 0.002), (0.06, 0.01), (0.01, 0.05), (0.1, 0.0005)]
)
def test_no_running_answer_waits_longer_than_promised_for_long_prompts(
    timed: list[TimedBackend], pass_s: float, token_s: float, num_prompts: int
) -> None:
    backend = TimedBackend(pass_s=pass_s, token_s=token_s)
    timed.append(backend)
    prompts = [new_sequence(backend, letter * PROMPT, max_tokens=1) for letter in "xy"[:num_prompts]]
    assert (
        longest_gap_s(backend, new_scheduler(backend), new_sequence(backend, "hello"), prompts) <= PROMISED_S
    )


def test_of_a_model_whose_steps_are_slow_a_prompt_takes_its_least_share_and_no_more(
    timed: list[TimedBackend],
) -> None:
    backend = TimedBackend(pass_s=0.4, token_s=0.01)  # a step alone takes longer than promised
    timed.append(backend)
    prompt = new_sequence(backend, "x" * 100, max_tokens=1)
    gap_s = longest_gap_s(backend, new_scheduler(backend), new_sequence(backend, "hello"), [prompt])
    assert gap_s <= 2 * 0.41 + 0.1
    assert backend.now <= 25 * 0.92  # a prompt of 100 tokens takes no 100 calls


def test_many_short_prompts_at_once_do_not_add_up_to_a_long_wait(timed: list[TimedBackend]) -> None:
    backend = TimedBackend(pass_s=0.1, token_s=0.001)
    timed.append(backend)
    prompts = [new_sequence(backend, letter * 30, max_tokens=1) for letter in "xyz"]
    assert (
        longest_gap_s(backend, new_scheduler(backend), new_sequence(backend, "hello"), prompts) <= PROMISED_S
    )


def test_a_prompt_beside_a_running_answer_gets_most_of_the_time(timed: list[TimedBackend]) -> None:
    backend = TimedBackend(pass_s=0.02, token_s=0.002)
    timed.append(backend)
    prompt = new_sequence(backend, "x" * PROMPT, max_tokens=1)
    scheduler, running = new_scheduler(backend), new_sequence(backend, "hello")
    longest_gap_s(backend, scheduler, running, [prompt])
    assert backend.now <= 1.5 * PROMPT * 0.002


def test_whoever_comes_while_a_prompt_is_read_alone_does_not_wait_for_its_batch(
    timed: list[TimedBackend],
) -> None:
    backend = TimedBackend(pass_s=0.1, token_s=0.02, is_interruptible=True)  # a batch of 512: 10 s
    timed.append(backend)
    arrivals_s = [25.0]
    scheduler = Scheduler(
        backend, PrefixCache(backend), has_arrivals=lambda: bool(arrivals_s) and backend.now > arrivals_s[0]
    )
    long, short = (
        new_sequence(backend, "x" * PROMPT, max_tokens=1),
        new_sequence(backend, "hello", max_tokens=3),
    )
    scheduler.add(long)
    while not arrivals_s or backend.now <= arrivals_s[0]:
        scheduler.step()
    arrived_s = arrivals_s.pop()
    scheduler.add(short)
    while not short.generated_length:
        scheduler.step()
    assert backend.now - arrived_s <= 0.6 + 2 * GOAL_S  # a look, a turn of the long one, its own prompt
    while not long.has_ended:
        scheduler.step()
    assert long.generated_length == 1
    assert backend.held(long.slot)[:PROMPT] == long.token_ids[:PROMPT]

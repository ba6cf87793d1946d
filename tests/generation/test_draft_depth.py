"""What a step tells the governor: the guesses of each sequence, and the time of a row near a tie apart."""

from types import SimpleNamespace
from typing import Any

from engine.generation.draft_depth import DraftDepth
from engine.generation.governor import Governor


class Clock:
    """Seconds that a test lets pass."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Noted(Governor):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[tuple[Any, ...]] = []

    def record(self, depth: int, num_tokens: int, seconds: float, **known: Any) -> None:
        self.rounds.append((depth, num_tokens, round(seconds, 6), known))


def drafting(governor: Governor) -> Any:
    """A sequence that counts its guesses."""
    one = SimpleNamespace(governor=governor, num_drafted=0, num_accepted=0, is_resting=False)
    one.rest = lambda is_resting: setattr(one, "is_resting", is_resting)
    return one


def test_a_row_near_a_tie_belongs_to_the_round_and_its_time_is_told_apart() -> None:
    clock, governor = Clock(), Noted()
    depth, one = DraftDepth(clock), drafting(governor)
    depth.begin([one])
    clock.now, one.num_drafted, one.num_accepted = 3.0, 2, 1
    depth.end(1, is_undecided=True)
    assert governor.rounds == []
    depth.begin([one])
    clock.now = 4.0
    depth.end(1, is_undecided=False)
    ((_, num_tokens, seconds, known),) = governor.rounds
    assert (num_tokens, seconds) == (2, 4.0)
    assert known == {"num_guesses": 2, "outcomes": [(2, 1), (0, 0)], "again_s": 1.0}


def test_of_several_sequences_each_tells_its_own_guesses_and_no_step_waits_for_another() -> None:
    clock = Clock()
    depth, several = DraftDepth(clock), [drafting(Governor(fixed=2)) for _ in range(3)]
    depth._shared[3, 2] = governor = Noted()
    depth.begin(several)
    for one, accepted in zip(several, (2, 0, 1), strict=True):
        one.num_drafted, one.num_accepted = 2, accepted
    clock.now = 2.0
    depth.end(6, is_undecided=True)
    ((_, num_tokens, seconds, known),) = governor.rounds
    assert (num_tokens, seconds) == (6, 2.0)
    assert known == {"num_guesses": 6, "outcomes": [(2, 2), (2, 0), (2, 1)], "again_s": 0.0}


def test_most_steps_of_a_rest_are_not_measured_but_those_before_and_after_a_trial_are() -> None:
    clock, governor = Clock(), Governor()
    depth, one = DraftDepth(clock), drafting(governor)
    asked: list[int] = []
    asleep: list[bool] = []
    for _ in range(400):
        guesses = depth.begin([one])
        asleep.append(depth.is_asleep)
        asked.append(guesses)
        clock.now += 1 + guesses  # guesses cost much and never stay
        one.num_drafted += guesses
        if not depth.is_asleep:
            depth.end(1, is_undecided=False)
    trials = [number for number, guesses in enumerate(asked) if guesses]
    assert 0.5 < sum(asleep) / len(asleep) < 0.95
    assert not any(asleep[: trials[0]])
    assert all(not any(asleep[number - 10 : number + 3]) for number in trials)
    assert one.is_resting

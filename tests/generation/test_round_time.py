"""Times of rounds by their guesses, on a machine that changes its speed and runs other programs."""

import random

import pytest

from engine.generation.round_time import RoundTimes

COSTS = (1.0, 1.3, 1.5, 1.7, 1.9)


def block(times: RoundTimes, num_guesses: int, *, rounds: int = 12, speed: float = 1.0) -> None:
    """So many rounds, all of them undisturbed."""
    for _ in range(rounds):
        times.note(num_guesses, COSTS[num_guesses] / speed)


def test_before_a_plain_round_nothing_is_known() -> None:
    assert RoundTimes(2).estimates() == [0.0, 0.0, 0.0]
    assert not RoundTimes(2).is_known(0)


def test_times_are_told_in_plain_rounds() -> None:
    times = RoundTimes(4)
    for num_guesses in (0, 2, 4, 1, 3):
        block(times, num_guesses)
    assert times.estimates() == pytest.approx(COSTS)


def test_a_machine_that_got_slower_makes_no_depth_dearer() -> None:
    times = RoundTimes(2)
    block(times, 0)
    block(times, 2)
    block(times, 2, speed=0.6, rounds=40)
    block(times, 1, speed=0.6)
    block(times, 0, speed=0.6)
    assert times.estimates() == pytest.approx(COSTS[:3])


def test_between_measured_numbers_of_guesses_times_lie_on_a_line() -> None:
    times = RoundTimes(4)
    block(times, 0)
    block(times, 2)
    plain, one, two, three, four = times.estimates()
    assert (plain, one, two) == pytest.approx((1.0, 1.25, 1.5))
    assert 1.5 < three < four <= 2.0


def test_beyond_two_measured_ones_it_goes_on_as_between_them() -> None:
    times = RoundTimes(4)
    for num_guesses in (0, 1, 2):
        block(times, num_guesses)
    assert times.estimates() == pytest.approx(COSTS)


def test_disturbed_rounds_say_nothing() -> None:
    times, rng = RoundTimes(2), random.Random(3)
    for _ in range(12):
        for num_guesses in (0, 1, 2):
            for _ in range(10):
                waited = rng.uniform(0.5, 20) if rng.random() < 0.5 else 0.0
                times.note(num_guesses, COSTS[num_guesses] * rng.uniform(0.97, 1.03) + waited)
    assert times.estimates() == pytest.approx(COSTS[:3], rel=0.08)


def test_a_time_counts_when_two_rounds_agree_on_it() -> None:
    times = RoundTimes(1)
    block(times, 0)
    for seconds in (9.0, 7.0, 5.0):  # another program ran
        times.note(1, seconds)
    assert not times.is_known(1)
    block(times, 1, rounds=2)
    assert times.estimates() == pytest.approx(COSTS[:2])


def test_plain_rounds_that_seem_to_take_more_than_guesses_are_measured_again() -> None:
    times = RoundTimes(1)
    for _ in range(3):
        times.note(0, 5.0)  # another program ran
    assert times.is_known(0)
    block(times, 1)
    assert not times.is_known(0)
    block(times, 0)
    plain, one = times.estimates()
    assert one / plain == pytest.approx(1.3)


def test_rounds_too_short_for_the_clock_are_left_out() -> None:
    times = RoundTimes(1)
    for _ in range(8):
        times.note(0, 0.0)
    assert not times.is_known(0)


def test_two_rounds_are_enough_where_not_even_guesses_that_stay_would_pay() -> None:
    times = RoundTimes(2)
    block(times, 0)
    times.note(2, 3.5)
    times.note(2, 3.4)
    assert times.estimates()[2] == pytest.approx(3.4)
    other = RoundTimes(2)
    block(other, 0)
    other.note(2, 2.5)
    other.note(2, 2.4)
    assert not other.is_known(2)

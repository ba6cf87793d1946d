"""Chances of guesses by their position: every round tells about all positions up to the first refused one."""

import random

import pytest

from engine.generation.acceptance import FIRST, Acceptance


def observed(chances: list[float], depth: int, rounds: int = 4000) -> Acceptance:
    """What so many rounds of a depth show of guesses with these chances."""
    rng, acceptance = random.Random(1), Acceptance(len(chances))
    for _ in range(rounds):
        stayed = 0
        while stayed < depth and rng.random() < chances[stayed]:
            stayed += 1
        acceptance.observe(depth, stayed)
    return acceptance


def test_rounds_of_one_depth_tell_what_all_smaller_ones_bring() -> None:
    tokens = observed([0.9, 0.5, 0.8], 3).expected_tokens()
    assert tokens == pytest.approx([1.0, 1.9, 1.9 + 0.45, 1.9 + 0.45 + 0.36], abs=0.15)


def test_a_position_that_was_never_tried_is_judged_by_the_one_before_it() -> None:
    seldom, often = observed([0.1, 0.9], 1).expected_tokens(), observed([0.9, 0.9], 1).expected_tokens()
    assert seldom[2] - seldom[1] < 0.03
    assert often[2] - often[1] > 0.6


def test_before_any_round_the_first_guess_has_a_usual_chance() -> None:
    assert Acceptance(2).expected_tokens()[:2] == pytest.approx([1.0, 1 + FIRST])


def test_a_guess_behind_a_refused_one_tells_nothing() -> None:
    acceptance = Acceptance(2)
    before = acceptance.expected_tokens()
    for _ in range(50):
        acceptance.observe(1, 1)
    deeper = Acceptance(2)
    for _ in range(50):
        deeper.observe(2, 0)
    first, second = deeper.expected_tokens()[1:]
    assert first - 1 < 0.1 < before[1] - 1 < acceptance.expected_tokens()[1] - 1
    assert (second - first) / (first - 1) > 0.02  # of those that get there, as unknown as before


def test_after_it_faded_new_rounds_count_for_more() -> None:
    fresh, kept = observed([0.9], 1), observed([0.9], 1)
    fresh.fade(2.0)
    for acceptance in (fresh, kept):
        for _ in range(4):
            acceptance.observe(1, 0)
    assert fresh.expected_tokens()[1] < 1.5 < kept.expected_tokens()[1]


def test_hope_and_fear_lie_around_what_is_likely_and_narrow_with_rounds() -> None:
    few, many = observed([0.5], 1, rounds=4), observed([0.5], 1, rounds=400)
    for acceptance in (few, many):
        feared, likely, hoped = (acceptance.expected_tokens(by)[1] for by in (-1.0, 0.0, 1.0))
        assert 1.0 <= feared < likely < hoped <= 2.0
    width = [one.expected_tokens(1.0)[1] - one.expected_tokens(-1.0)[1] for one in (few, many)]
    assert width[1] < width[0] / 2

"""Tokens of a round: guesses that are seldom there, several sequences, rows that are computed again."""

import pytest

from engine.generation.round_tokens import RoundTokens


def test_a_drafter_that_seldom_guesses_brings_little() -> None:
    tokens = RoundTokens(2)
    for number in range(400):
        has_guesses = number % 4 == 0
        outcome = (2, 2) if has_guesses else (0, 0)
        tokens.note(3 if has_guesses else 1, [outcome], is_wanted=True, is_tie=False)
    assert tokens.share_with_guesses == pytest.approx(0.25, abs=0.05)
    assert tokens.expected()[0] == pytest.approx([1.0, 1.25, 1.5], abs=0.1)
    assert (tokens.num_wanted, tokens.num_guessed) == (400, 100)


def test_several_sequences_bring_theirs_together() -> None:
    tokens = RoundTokens(2)
    for _ in range(200):
        tokens.note(4, [(0, 0)] * 4, is_wanted=False, is_tie=False)
    for number in range(400):
        stayed = number % 2
        tokens.note(4 + 3 * stayed, [(1, stayed)] * 3 + [(0, 0)], is_wanted=True, is_tie=False)
    (plain, one, _), _ = tokens.expected()
    assert plain == pytest.approx(4.0)
    assert one == pytest.approx(4.0 + 3 * 0.5, abs=0.1)


def test_rows_near_a_tie_cost_more_where_rounds_bring_more() -> None:
    tokens = RoundTokens(3)
    for number in range(1000):
        tokens.note(4, [(3, 3)], is_wanted=True, is_tie=number % 5 == 0)
    _, ties = tokens.expected()
    assert ties == pytest.approx([0.05, 0.1, 0.15, 0.2], abs=0.02)

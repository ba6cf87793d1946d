"""How near the governor comes to the best fixed depth, on simulated costs: first answers and conversations.

The share is that of expected tokens in a unit of time, so that luck with guesses plays no part in it. The
machine is slower in phases, a round is so after a change of depth, and times vary.
"""

import random
import statistics

import pytest

from engine.generation.governor import Governor

LINEAR = (1.0, 1.2, 1.4, 1.6, 1.8)
JUMP = (1.0, 1.45, 1.6, 1.75, 1.9)  # the first guess takes more than those after it
DEAR = (1.0, 3.2, 4.4, 5.6, 6.8)
GOOD = (0.9, 0.85, 0.8, 0.8)
FALLING = (0.9, 0.6, 0.6, 0.5)  # as the built-in model's MTP layer guesses
SELDOM = (0.3, 0.3, 0.3, 0.3)
NEVER = (0.0, 0.0, 0.0, 0.0)
AFTER_A_CHANGE = (0.15, 0.05)  # more time than usual, of the first rounds
SEEDS = 12

CASES = [
    (LINEAR, GOOD),
    (LINEAR, FALLING),
    (LINEAR, NEVER),
    (JUMP, GOOD),
    (JUMP, FALLING),
    (JUMP, SELDOM),
    (DEAR, FALLING),
    (DEAR, NEVER),
]


def tokens_of(acceptance: tuple[float, ...], num_guesses: int) -> float:
    """Tokens that a round brings on average."""
    tokens, reached = 1.0, 1.0
    for chance in acceptance[:num_guesses]:
        reached *= chance
        tokens += reached
    return tokens


def share(
    costs: tuple[float, ...], acceptance: tuple[float, ...], *, answers: int, seed: int, awake: float = 1.0
) -> float:
    """Speed of a conversation, answers of 160 tokens, over that of the best fixed depth.

    A plain step takes `awake` times as long where the drafter has to see the text.
    """
    rng = random.Random(seed)
    best = max(tokens_of(acceptance, depth) / cost for depth, cost in enumerate(costs))
    expected = took = slower = 0.0
    before: Governor | None = None
    for _ in range(answers):
        governor = Governor()
        if before is not None:
            governor.begin_from(before)
        before, num_tokens, last, stay = governor, 0, 0, len(AFTER_A_CHANGE)
        while num_tokens < 160:
            is_asleep = governor.sleep()
            depth = 0 if is_asleep else governor.next_depth()
            stay = 0 if depth != last else stay + 1
            last = depth
            stayed = 0
            while stayed < depth and rng.random() < acceptance[stayed]:
                stayed += 1
            if rng.random() < 1 / 40:
                slower = rng.choice((0.0, 0.0, 0.15))
            alone = 1.0 if depth or governor.is_resting else awake
            usual = alone * costs[depth] * (1 + sum(AFTER_A_CHANGE[stay : stay + 1]))
            seconds = usual * (1 + slower) * rng.uniform(0.94, 1.06)
            if not is_asleep:
                governor.record(depth, 1 + stayed, seconds, num_guesses=depth)
            num_tokens += 1 + stayed
            expected, took = expected + tokens_of(acceptance, depth), took + usual
    return expected / took / best


@pytest.mark.parametrize(("costs", "acceptance"), CASES)
def test_a_first_answer_comes_near_the_best_fixed_depth(
    costs: tuple[float, ...], acceptance: tuple[float, ...]
) -> None:
    shares = [share(costs, acceptance, answers=1, seed=seed) for seed in range(SEEDS)]
    assert statistics.mean(shares) > 0.91


@pytest.mark.parametrize(("costs", "acceptance"), CASES)
def test_a_conversation_comes_near_the_best_fixed_depth(
    costs: tuple[float, ...], acceptance: tuple[float, ...]
) -> None:
    shares = [share(costs, acceptance, answers=10, seed=seed) for seed in range(SEEDS)]
    assert statistics.mean(shares) > 0.97


@pytest.mark.parametrize(("costs", "acceptance"), [(JUMP, NEVER), (DEAR, NEVER), (DEAR, SELDOM)])
def test_waking_a_drafter_to_try_it_again_is_paid_from_the_budget_too(
    costs: tuple[float, ...], acceptance: tuple[float, ...]
) -> None:
    shares = [share(costs, acceptance, answers=10, seed=seed, awake=1.3) for seed in range(SEEDS)]
    assert statistics.mean(shares) > 0.97

"""The governor on simulated costs: it finds what pays, stays with plain steps where nothing does."""

import random

import pytest

from engine.generation.governor import Governor


def simulated(
    governor: Governor,
    acceptance: float,
    cost_of_a_row: float,
    *,
    rounds: int = 2000,
    noise: float = 0.1,
    has_guess: float = 1.0,
    disturbed: float = 0.0,
) -> tuple[float, list[int]]:
    """Speed over plain steps, and the depths that were chosen.

    In a share `has_guess` of the rounds the drafter has guesses, in a share `disturbed` another program takes
    the processor for a while, on the clock but not in what is counted here.
    """
    rng, tokens, seconds = random.Random(1), 0, 0.0
    depths: list[int] = []
    for _ in range(rounds):
        depth = governor.next_depth()
        guesses = depth if rng.random() < has_guess else 0
        accepted = 0
        while accepted < guesses and rng.random() < acceptance:
            accepted += 1
        took = (1 + cost_of_a_row * guesses) * rng.uniform(1 - noise, 1 + noise)
        waited = rng.uniform(1, 20) if rng.random() < disturbed else 0.0
        governor.record(depth, 1 + accepted, took + waited, num_guesses=guesses)
        tokens, seconds, depths = tokens + 1 + accepted, seconds + took, [*depths, depth]
    return tokens / seconds, depths


@pytest.mark.parametrize(
    ("acceptance", "cost", "best"), [(0.9, 0.1, {3, 4}), (0.7, 0.3, {1, 2}), (0.8, 0.45, {1, 2})]
)
def test_drafting_that_pays_goes_on_at_a_good_depth(acceptance: float, cost: float, best: set[int]) -> None:
    governor = Governor()
    speed, depths = simulated(governor, acceptance, cost)
    assert speed > 1.05
    assert sum(depth in best for depth in depths) > 0.6 * len(depths)
    assert governor.describe().startswith("drafting +")


@pytest.mark.parametrize(("acceptance", "cost"), [(0.1, 0.4), (0.0, 1.0), (0.5, 0.9)])
def test_drafting_that_does_not_pay_costs_less_than_three_percent(acceptance: float, cost: float) -> None:
    governor = Governor()
    speed, depths = simulated(governor, acceptance, cost)
    assert speed > 0.97
    assert depths[-200:].count(0) > 150
    assert governor.describe().startswith("off: ")
    assert governor.describe().endswith("slower here")


@pytest.mark.parametrize("has_guess", [0.1, 0.5])
@pytest.mark.parametrize(("acceptance", "cost"), [(0.0, 0.4), (0.2, 0.4), (0.8, 0.2)])
def test_a_drafter_that_seldom_has_a_guess_is_judged_by_its_guesses(
    acceptance: float, cost: float, has_guess: float
) -> None:
    governor = Governor()
    speed, depths = simulated(governor, acceptance, cost, has_guess=has_guess)
    assert speed > (1.0 if acceptance > 0.5 else 0.97)
    if has_guess == 0.5:
        assert (depths[-200:].count(0) < 100) == (acceptance > 0.5)


def test_a_depth_that_could_not_pay_if_all_guesses_stayed_is_tried_three_times() -> None:
    governor, num_tried = Governor(), 0
    for _ in range(60):
        depth = governor.next_depth()
        num_tried += depth > 0
        governor.record(depth, 1 + depth, 1 + 1.5 * depth, num_guesses=depth)
    assert num_tried == 3  # of the first round the time says nothing: the drafter catches up


def test_a_drafter_that_never_has_a_guess_is_no_faster() -> None:
    governor = Governor()
    simulated(governor, 1.0, 1.0, has_guess=0.0)
    assert governor.describe() == "off: no faster here"


@pytest.mark.parametrize(("acceptance", "cost"), [(0.0, 0.3), (0.9, 0.1)])
def test_other_programs_on_the_processor_do_not_mislead_it(acceptance: float, cost: float) -> None:
    governor = Governor()
    speed, _ = simulated(governor, acceptance, cost, disturbed=0.6)
    assert speed > (1.3 if acceptance else 0.95)


@pytest.mark.parametrize(("acceptance", "cost"), [(0.0, 1.0), (0.1, 0.4)])
def test_short_answers_after_the_first_try_nothing_again_that_did_not_pay(
    acceptance: float, cost: float
) -> None:
    before = Governor()
    simulated(before, acceptance, cost, rounds=60)
    speeds = []
    for _ in range(12):
        governor = Governor()
        governor.begin_from(before)
        speeds.append(simulated(governor, acceptance, cost, rounds=60)[0])
        before = governor
    assert sum(speeds) / len(speeds) > 0.98


def test_what_was_measured_in_an_answer_is_not_written_over_by_another_one() -> None:
    before, governor = Governor(), Governor()
    simulated(before, 0.0, 1.0, rounds=300)
    simulated(governor, 0.9, 0.1, rounds=300)
    governor.begin_from(before)
    assert governor.describe().startswith("drafting +")


def test_it_changes_its_mind_when_the_text_changes() -> None:
    governor = Governor()
    simulated(governor, 0.0, 0.3, rounds=400)
    assert governor.describe().startswith("off")
    simulated(governor, 0.95, 0.1, rounds=1500)
    assert governor.describe().startswith("drafting +")


def test_before_anything_is_measured_it_says_so() -> None:
    assert Governor().describe() == "measuring whether drafting pays"
    assert Governor().gain is None


def test_a_fixed_depth_is_kept() -> None:
    for depth in (0, 2):
        governor = Governor(fixed=depth)
        _, depths = simulated(governor, 0.5, 5.0, rounds=50)
        assert set(depths) == {depth}
    assert governor.describe() == "drafting 2 tokens, as asked"
    assert not Governor(fixed=0).may_draft


def test_a_model_without_drafts_is_left_alone() -> None:
    governor = Governor(max_depth=0)
    _, depths = simulated(governor, 1.0, 0.0, rounds=200)
    assert set(depths) == {0}
    assert governor.describe() == "off: nothing here drafts"

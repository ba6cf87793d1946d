"""The search on machines whose speeds are known: it finds what is fast, and is not taken in by noise."""

import random
from dataclasses import replace
from typing import Any

import pytest

from engine.contract.errors import ModelTooLarge
from engine.contract.params import LayerPlacement, LoadParams
from engine.tuning.search import Found, Search, Step
from engine.tuning.space import Axis, Machine, axes, untuned
from engine.tuning.trial import front
from tests.support.simulated_machine import SimulatedMachine, Speed, trial

START = LoadParams()
MACHINE = Machine(processors=16, cores=8, default_threads=8)
EFFECTS = {
    "threads": {4: 0.7, 6: 0.9, 12: 1.3, 16: 0.8},
    "draft_tokens": {None: 1.2, 1: 1.1, 3: 0.6},
    "batch_size": {128: 0.8, 256: 0.95, 1024: 1.1, 2048: 1.05},
    "flash_attention": {"off": 0.9, "on": 1.0},
    "kv_type": {"q8_0": 1.02},
}


def speed(load: LoadParams) -> float:
    product = 1.0
    for name, factors in EFFECTS.items():
        product *= factors.get(getattr(load, name), 1.0)  # type: ignore[attr-defined]
    return product


def searched(speed: Speed, *, seconds: float = 90.0, seed: int = 0, noise: float = 0.05) -> Found:
    machine = SimulatedMachine(speed, seed=seed, noise=noise)
    found = Search(machine.measure, seconds, clock=machine.clock).run(START, axes(MACHINE))
    assert machine.now < 1.4 * seconds
    return found


def drawn(seed: int, count: int) -> list[LoadParams]:
    draw = random.Random(seed)
    found: list[LoadParams] = []
    while len(found) < count:
        changes: dict[str, Any] = {}
        for axis in axes(MACHINE):
            changes |= draw.choice([{}, *axis.options])
        load = replace(START, **changes)
        if load.flash_attention != "off" or load.kv_type == "f16":
            found.append(load)
    return found


def test_it_finds_a_setting_as_fast_as_the_best_of_twenty_drawn_at_random() -> None:
    as_fast = 0
    for seed in range(10):
        found = searched(speed, seconds=180.0, seed=seed)
        as_fast += speed(found.best) >= 0.97 * max(speed(load) for load in drawn(seed, 20))
    assert as_fast >= 9


@pytest.mark.parametrize("seed", range(10))
def test_it_never_ends_below_the_setting_that_it_began_with(seed: int) -> None:
    assert speed(searched(speed, seed=seed, noise=0.15, seconds=40.0).best) >= 1


def test_where_settings_make_no_difference_the_start_stays_but_for_an_odd_time() -> None:
    stayed = [searched(lambda _load: 1.0, seed=seed, noise=0.03).best == START for seed in range(20)]
    assert sum(stayed) >= 17


def test_a_kv_cache_in_fewer_bits_has_to_be_clearly_faster() -> None:
    assert searched(lambda load: 1.06 if load.kv_type == "q8_0" else 1.0, noise=0.001).best == START
    much = searched(lambda load: 1.3 if load.kv_type == "q8_0" else 1.0, noise=0.01, seconds=180.0)
    assert much.best.kv_type == "q8_0"


def test_what_does_not_load_is_passed_over_and_said() -> None:
    said: list[Step] = []
    machine = SimulatedMachine(lambda load: 2.0 if load.flash_attention == "off" else 1.0, noise=0.01)
    search = Search(machine.measure, 180.0, tell=said.append, clock=machine.clock)
    found = search.run(START, axes(MACHINE))
    assert found.best.flash_attention == "off"
    assert all(load.kv_type == "q8_0" for load in found.refused)
    assert [step.problem for step in said if step.gain is None] == list(found.refused.values()) != []


def test_a_model_that_does_not_run_at_all_is_an_error() -> None:
    machine = SimulatedMachine(lambda _load: 1.0)
    start = LoadParams(flash_attention="off", kv_type="q8_0")
    with pytest.raises(ModelTooLarge):
        Search(machine.measure, 10.0, clock=machine.clock).run(start, axes(MACHINE))


def test_with_no_time_nothing_is_tried_but_the_start() -> None:
    machine = SimulatedMachine(speed)
    found = Search(machine.measure, 1.0, clock=machine.clock).run(START, axes(MACHINE))
    assert (found.best, set(machine.tried)) == (START, {START})


def test_experts_move_between_gpu_and_ram_around_what_the_ledger_says() -> None:
    placed = LayerPlacement(gpu_layers=33, expert_layers_in_ram=tuple(range(1, 9)))
    machine = replace(MACHINE, placement=placed, expert_layers=tuple(range(1, 32)))
    axis: Axis = axes(machine)[0]
    options = [option["placement"] for option in axis.options]
    counts = [len(one.expert_layers_in_ram) for one in options if isinstance(one, LayerPlacement)]
    assert counts == [5, 11, 0]
    assert options[-1] == LayerPlacement(gpu_layers=0)


def test_what_the_user_set_of_other_things_stays() -> None:
    own = LoadParams(context_length=2048, threads=3, kv_type="q4_0", sequences=2)
    assert untuned(own) == LoadParams(context_length=2048, sequences=2)


def test_the_front_holds_what_nothing_beats_in_everything() -> None:
    trials = [trial(10, 100, 50), trial(9, 100, 50), trial(5, 200, 50), trial(5, 90, 20)]
    assert front(trials) == [0, 2, 3]

"""The model that ships: what it can do, through llama.cpp and through the torch engine.

A few prompts of the rubric as a rule; all fixed and drawn ones, three times, with RETORT_FULL_TESTS=1.
"""

import os
from pathlib import Path

import pytest

from engine.contract.params import BackendChoice
from engine.library.gguf import read_header
from engine.training.rubric import FIXED, Prompt, draw, judge
from tests.support.rubric_answers import open_answerer

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
TEMPERATURE = 0.7
MOST_BYTES = 24 * 2**20
SEEDS = (1, 2, 3)
FEWEST = {"fixed": 16, "drawn": 14}  # of twenty
SHORT = (*FIXED[:1], *FIXED[6:7], *FIXED[10:11], *FIXED[13:14], *FIXED[15:16], *FIXED[19:])
FEWEST_SHORT = 5
ENGINES: tuple[BackendChoice, ...] = ("llama", "torch")

pytestmark = [pytest.mark.slow, pytest.mark.llama]


def num_passed(path: Path, backend: BackendChoice, sets: dict[str, list[Prompt]]) -> dict[str, int]:
    with open_answerer(path, temperature=TEMPERATURE, backend=backend) as answerer:
        return {
            name: sum(passed for passed, _ in judge(prompts, answerer, seed=1))
            for name, prompts in sets.items()
        }


def test_it_is_small_and_has_deepseeks_layout(builtin: Path) -> None:
    header = read_header(builtin)
    assert builtin.stat().st_size <= MOST_BYTES
    assert header.architecture == "deepseek2"
    assert header.metadata["deepseek2.nextn_predict_layers"] == 1
    assert header.metadata["deepseek2.expert_count"] == 8


@pytest.mark.parametrize("backend", [ENGINES[0], pytest.param(ENGINES[1], marks=pytest.mark.torch)])
def test_it_answers_some_prompts_of_the_rubric(builtin: Path, backend: BackendChoice) -> None:
    if backend == "torch":
        pytest.importorskip("torch", reason="needs torch")
    assert num_passed(builtin, backend, {"short": list(SHORT)})["short"] >= FEWEST_SHORT


@pytest.mark.skipif(not FULL, reason="with RETORT_FULL_TESTS=1: the whole rubric, three times in two engines")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("backend", [ENGINES[0], pytest.param(ENGINES[1], marks=pytest.mark.torch)])
def test_it_passes_the_rubric(builtin: Path, backend: BackendChoice, seed: int) -> None:
    with open_answerer(builtin, temperature=TEMPERATURE, backend=backend) as answerer:
        passed = {
            name: sum(good for good, _ in judge(prompts, answerer, seed=seed))
            for name, prompts in (("fixed", FIXED), ("drawn", draw(seed)))
        }
    assert all(passed[name] >= fewest for name, fewest in FEWEST.items()), passed


@pytest.mark.torch
@pytest.mark.parametrize("name", ["builtin", "builtin_q8"] if FULL else ["builtin_q8"])
def test_both_engines_give_the_same_greedy_answers(request: pytest.FixtureRequest, name: str) -> None:
    pytest.importorskip("torch", reason="needs torch")
    prompts, answers = FIXED if FULL else SHORT, []  # of four bits one near tie in six is no exception
    for backend in ENGINES:
        with open_answerer(request.getfixturevalue(name), temperature=0.0, backend=backend) as answerer:
            judged = judge(prompts, answerer, seed=1)
            answers.append([[message.content for message in messages] for _, messages in judged])
    same = sum(first == second for first, second in zip(*answers, strict=True))
    assert same >= 0.85 * len(prompts)  # llama.cpp rounds the activations, too: near ties may fall

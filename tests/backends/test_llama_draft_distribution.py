"""Sampled answers with drafts in the llama backend are distributed as llama.cpp's own sampler draws them.

Chi-squared of two samples of whole answers, four sequences at a time, as the worker makes them: with params,
a grammar, a stop string, a budget of reasoning, and with a sequence that is cancelled beside those that
count. A planted bug has to be caught. RETORT_FULL_TESTS=1 asks for all of that, and for more answers.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.backends.llama.backend import LlamaBackend
from engine.contract.chat import ChatMessage
from engine.contract.messages import GenerateRequest
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.generation import speculative
from engine.generation.distribution import Distribution
from engine.generation.draft import Draft
from engine.generation.scheduler import Generated
from engine.generation.sequence import never
from engine.worker.answer import Answer
from engine.worker.template_child import TemplateChild
from tests.support.generation import new_scheduler
from tests.support.tiny_model import write_tiny_model

pytestmark = pytest.mark.llama

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
SAMPLES = 2000 if FULL else 480
TOGETHER = 4  # sequences in one batch
GUESSES = 2
LEAST_EXPECTED = 8  # answers of a cell, in each sample; rarer ones are counted together
STORY: dict[str, Any] = {"prompt": "Once upon a time there was a"}
SUM: dict[str, Any] = {
    "messages": (ChatMessage(role="user", text="What is 8 + 6? Think step by step."),),
}
FREE: dict[str, Any] = {"temperature": 1.5, "top_k": 2, "top_p": 1.0, "min_p": 0.0}
CASES: dict[str, dict[str, Any]] = {
    "free": {},
    "filters": {"temperature": 1.2, "top_k": 4, "top_p": 0.9, "min_p": 0.2},
    "penalties": {"repeat_penalty": 1.6, "presence_penalty": 0.5, "penalty_window": -1},
    "grammar": {"grammar": 'root ::= " " [a-m]+ (" " [a-z]+)*', "top_k": 3},
    "stop string": {"stop": "o"},
    "budget": {"budget": 2, "temperature": 2.0},
    "cancel": {"cancelled": True},
}
Load = Callable[[str, int], LlamaBackend]


@pytest.fixture
def load(builtin_q8: Path, tmp_path: Path) -> Iterator[Load]:
    """Loads a model that drafts as is asked for: the built-in one, or a random one without an MTP layer."""
    loaded: list[LlamaBackend] = []

    def load_one(drafter: str, guesses: int) -> LlamaBackend:
        model = write_tiny_model(tmp_path / f"tiny{guesses}.gguf") if drafter == "text" else builtin_q8
        draft_model = str(builtin_q8) if drafter == "itself" and guesses else ""
        params = LoadParams(
            threads=1, sequences=TOGETHER, context_length=256, draft_tokens=guesses, draft_model=draft_model
        )
        loaded.append(LlamaBackend(model, params, lambda _: None, lambda: False))
        return loaded[-1]

    yield load_one
    for backend in loaded:
        backend.close()


@pytest.fixture
def templates() -> Iterator[TemplateChild]:
    child = TemplateChild()
    yield child
    child.close()


class Asked:
    """One answer of a sample."""

    def __init__(
        self, backend: LlamaBackend, templates: TemplateChild, guesses: int, seed: int, case: dict[str, Any]
    ) -> None:
        options = dict(case)
        stop, budget = options.pop("stop", ""), options.pop("budget", None)
        self.is_given_up = options.pop("cancelled", False) and seed % TOGETHER == 0
        asked = options.pop("asked", SUM if budget is not None else STORY)
        request = GenerateRequest(
            request_id=str(seed),
            model="",
            load=LoadParams(draft_tokens=guesses),
            sampling=SamplingParams(**(FREE | options), seed=seed),
            limits=GenerationLimits(
                max_tokens=9 if budget is not None else 4, stop=(stop,) * bool(stop), reasoning_budget=budget
            ),
            **asked,
        )
        self.answer = Answer(backend, templates, request, self._is_cancelled if self.is_given_up else never)
        self.sequence = self.answer.sequence
        self.taken: list[int] = []
        self.has_stopped = False

    def _is_cancelled(self) -> bool:
        return self.sequence.generated_length > 1

    def take(self, token: Generated) -> None:
        """Read one more token; those that came in one step with the end of a stop string do not count."""
        if not self.has_stopped:
            self.taken.append(token.token)
            self.answer.take(token)
            self.has_stopped = self.answer.stopped


def sample(
    backend: LlamaBackend, templates: TemplateChild, guesses: int, case: dict[str, Any]
) -> Counter[tuple[int, ...]]:
    """Answers, by their tokens, and how often each came."""
    counts = Counter[tuple[int, ...]]()
    for start in range(0, SAMPLES, TOGETHER):
        for slot in range(backend.num_slots):  # an MTP layer guesses well where it has seen the prompt
            backend.truncate(slot, 0)
        scheduler = new_scheduler(backend)
        seeds = range(start + guesses * SAMPLES, start + guesses * SAMPLES + TOGETHER)
        asked = {one.sequence: one for one in (Asked(backend, templates, guesses, s, case) for s in seeds)}
        for sequence in asked:
            scheduler.add(sequence)
        while scheduler.has_work:
            for generated in scheduler.step().generated:
                one = asked[generated.sequence]
                one.take(generated)
                if one.has_stopped and not one.sequence.has_ended:
                    scheduler.finish(one.sequence, "stop")
        for one in asked.values():
            assert one.sequence.error is None
            if not one.is_given_up:
                counts[tuple(one.taken)] += 1
    return counts


def deviation(first: Counter[Any], second: Counter[Any]) -> float:
    """Chi-squared of two samples of one size, in standard deviations from what chance gives."""
    cells: list[tuple[int, int]] = []
    rest = [0, 0]
    for outcome in first | second:
        pair = first[outcome], second[outcome]
        if sum(pair) >= 2 * LEAST_EXPECTED:
            cells.append(pair)
        else:
            rest = [rest[0] + pair[0], rest[1] + pair[1]]
    if sum(rest):
        cells.append((rest[0], rest[1]))
    chi_squared = sum((a - b) ** 2 / (a + b) for a, b in cells)
    freedom = len(cells) - 1
    assert freedom > 3, "too few answers to tell anything"
    return (chi_squared - freedom) / math.sqrt(2 * freedom)


def deviation_of(load: Load, templates: TemplateChild, drafter: str, case: dict[str, Any]) -> float:
    plain = sample(load(drafter, 0), templates, 0, case)
    drafted = sample(load(drafter, GUESSES), templates, GUESSES, case)
    return deviation(plain, drafted)


@pytest.mark.parametrize("drafter", ["mtp", "itself"] if FULL else ["mtp"])
@pytest.mark.parametrize("name", CASES if FULL else ["grammar"])
def test_answers_are_distributed_as_without_drafts(
    load: Load, templates: TemplateChild, name: str, drafter: str
) -> None:
    assert abs(deviation_of(load, templates, drafter, CASES[name])) < 4


@pytest.mark.skipif(not FULL, reason="the same with the text as drafter: with RETORT_FULL_TESTS=1")
def test_answers_that_the_text_drafts_are_too(load: Load, templates: TemplateChild) -> None:
    case = {"asked": {"prompt": "again and again and again and"}, "top_k": 4, "temperature": 1.5}
    assert abs(deviation_of(load, templates, "text", case)) < 4


def wrong_rule(bug: str) -> Callable[[Draft, Distribution, np.random.Generator], tuple[int, bool]]:
    def wrong(draft: Draft, target: Distribution, random: np.random.Generator) -> tuple[int, bool]:
        wanted = target.share_of(draft.token)
        limit = 1.0 if bug == "no division by q" else draft.distribution.share_of(draft.token)
        if bug == "accepts all" or random.random() * limit < wanted:
            return draft.token, True
        return target.without(draft.distribution).draw(random), False

    return wrong


@pytest.mark.parametrize("bug", ["accepts all", "no division by q"] if FULL else ["accepts all"])
def test_a_wrong_rule_is_caught(
    load: Load, templates: TemplateChild, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    monkeypatch.setattr(speculative, "accept", wrong_rule(bug))
    assert deviation_of(load, templates, "mtp", CASES["free"]) > 8

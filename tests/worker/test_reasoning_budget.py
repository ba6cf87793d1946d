"""A budget of reasoning holds to the token: with drafts, that come several at a time, and in both engines.

RETORT_FULL_TESTS=1 asks at every number of guesses.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.backends.choose import load_backend
from engine.chat.formats import THINK
from engine.contract.chat import ChatMessage
from engine.contract.messages import FinishedEvent, GenerateRequest, ReasoningEvent
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.generation.backend import Backend
from engine.generation.sequence import never
from engine.worker.answer import Answer
from engine.worker.answer_parts import AnswerParts
from engine.worker.template_child import TemplateChild
from tests.support.generation import new_scheduler

QUESTION = (ChatMessage(role="user", text="What is 8 + 6? Think step by step."),)
FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
BUDGETS = (0, 1, 2, 3, 5, 8, 13) if FULL else (0, 1, 4)
NUM_SAMPLED = 12 if FULL else 4
Load = Callable[..., Backend]


@pytest.fixture(scope="module", params=["llama", pytest.param("torch", marks=pytest.mark.torch)])
def load(request: pytest.FixtureRequest) -> Iterator[Load]:
    """Loads the built-in model, once for each number of guesses."""
    if request.param == "torch":
        pytest.importorskip("torch", reason="needs torch")
    loaded: dict[int | None, Backend] = {}

    def load_one(model: Path, depth: int | None) -> Backend:
        if depth not in loaded:
            params = LoadParams(
                backend=request.param, gpu_layers=0, threads=1, context_length=512, draft_tokens=depth
            )
            loaded[depth] = load_backend(str(model), params, lambda _: None, lambda: False)
        return loaded[depth]

    yield load_one
    for backend in loaded.values():
        backend.close()


@pytest.fixture
def templates() -> Iterator[TemplateChild]:
    child = TemplateChild()
    yield child
    child.close()


def answered(
    backend: Backend, templates: TemplateChild, budget: int | None, **options: Any
) -> tuple[list[int], str, FinishedEvent]:
    """Tokens, reasoning and end of an answer to a sum, over which the built-in model thinks."""
    request = GenerateRequest(
        request_id="r",
        model="",
        load=LoadParams(draft_tokens=options.pop("depth", 0)),
        messages=QUESTION,
        sampling=SamplingParams(temperature=options.pop("temperature", 0.0), seed=options.pop("seed", 1)),
        limits=GenerationLimits(max_tokens=80, reasoning_budget=budget),
    )
    answer = Answer(backend, templates, request, never)
    for slot in range(backend.num_slots):
        backend.truncate(slot, 0)
    scheduler, events = new_scheduler(backend), list[Any]()
    scheduler.add(answer.sequence)
    while scheduler.has_work:
        for generated in scheduler.step().generated:
            events += answer.take(generated)
    events += answer.finish()
    (finished,) = [event for event in events if isinstance(event, FinishedEvent)]
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningEvent))
    return answer.sequence.token_ids[answer.sequence.prompt_length :], reasoning, finished


def thought_length(backend: Backend, tokens: list[int]) -> int:
    """How many tokens of its own an answer has between the mark it begins with and the forced end."""
    (begin,) = backend.tokenize("<think>", add_special=False)
    end = backend.tokenize(THINK.reasoning_end, add_special=False)
    assert tokens[0] == begin
    return next(n for n in range(len(tokens)) if tokens[n + 1 : n + 1 + len(end)] == end)


@pytest.mark.parametrize("depth", [0, 1, 4, None] if FULL else [4, None])
def test_the_budget_holds_to_the_token(
    builtin_q8: Path, load: Load, templates: TemplateChild, depth: int | None
) -> None:
    plain, drafting = load(builtin_q8, 0), load(builtin_q8, depth)
    free, _, _ = answered(plain, templates, None)
    for budget in BUDGETS:
        tokens, _, finished = answered(drafting, templates, budget, depth=depth)
        assert thought_length(drafting, tokens) == budget
        assert tokens == answered(plain, templates, budget)[0]
        assert finished.reasoning_ended_by == "budget"
        assert tokens[: budget + 1] == free[: budget + 1]
        if depth is not None:
            assert (finished.usage.drafted_tokens > 0) == (depth > 0)


@pytest.mark.parametrize("depth", [0, 4] if FULL else [4])
def test_it_holds_in_sampled_answers_too(
    builtin_q8: Path, load: Load, templates: TemplateChild, depth: int
) -> None:
    backend = load(builtin_q8, depth)
    ended = 0
    for seed in range(NUM_SAMPLED):
        tokens, _, finished = answered(backend, templates, 4, depth=depth, temperature=1.2, seed=seed)
        if finished.reasoning_ended_by == "budget":
            ended += 1
            assert thought_length(backend, tokens) == 4
    assert ended > NUM_SAMPLED // 3


@pytest.mark.llama
def test_guesses_stop_where_reasoning_may_begin_and_where_its_budget_ends(
    builtin_q8: Path, load: Load
) -> None:
    backend = load(builtin_q8, 0)
    (begin,) = backend.tokenize("<think>", add_special=False)
    word, other = (
        backend.tokenize(" the", add_special=False)[-1],
        backend.tokenize("a", add_special=False)[-1],
    )

    def reader(budget: int | None, prompt: str = "") -> AnswerParts:
        return AnswerParts(backend, THINK, prompt=prompt, tools=(), stop=(), reasoning_budget=budget)

    assert reader(None).num_together([begin, word, word]) == 3
    assert [reader(n).num_together([word, begin, word, other]) for n in (0, 1, 2, 9)] == [1, 2, 3, 4]
    assert [reader(n, "<think>").num_together([word] * 4) for n in (1, 2, 4, 9)] == [0, 1, 3, 4]
    spent = reader(1, "<think>")
    spent.feed(word)
    assert spent.forced_text() == THINK.reasoning_end
    assert spent.num_together([word] * 4) == 4

"""Drafts on the whole way: scheduler, torch backend, worker, command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from engine.backends.choose import load_backend
from engine.backends.torch_backend import TorchBackend
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.sampler import request_filters
from engine.generation.sequence import Sequence
from engine.generation.speculative import NEAR_TIE
from tests.support.command_line import retort
from tests.support.generation import new_scheduler
from tests.support.tiny_checkpoint import DEEPSEEK, LLAMA, write_chat_checkpoint

pytestmark = pytest.mark.torch

GREEDY = SamplingParams(temperature=0)


def load(folder: Path, **params: Any) -> TorchBackend:
    load_params = LoadParams(**({"gpu_layers": 0, "threads": 1} | params))
    backend = load_backend(str(folder), load_params, lambda fraction: None, lambda: False)
    assert isinstance(backend, TorchBackend)
    return backend


@pytest.fixture(scope="module", params=["DEEPSEEK", "LLAMA"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an MTP layer, and one that can only look passages up."""
    config = DEEPSEEK if request.param == "DEEPSEEK" else LLAMA
    return write_chat_checkpoint(tmp_path_factory.mktemp("c") / request.param, config)


class Conversation:
    """A scheduler over a backend that drafts so many tokens, or none."""

    def __init__(self, folder: Path, draft_tokens: int | None, **params: Any) -> None:
        self.backend = load(folder, draft_tokens=draft_tokens, **params)
        self.scheduler = new_scheduler(self.backend)
        self._draft_tokens = draft_tokens

    def sequence(
        self,
        token_ids: list[int],
        max_tokens: int = 40,
        name: str = "a",
        params: SamplingParams = GREEDY,
        logprobs: int | None = None,
    ) -> Sequence:
        drafter, drafting = self.backend.drafter(), None
        if drafter is not None:
            rng = np.random.default_rng(0)
            filters = request_filters(params, rng, self.backend.vocabulary)
            governor = Governor(fixed=self._draft_tokens)
            drafting = Drafting(self.backend, drafter, filters, rng, governor, NEAR_TIE)
        return Sequence(
            token_ids=list(token_ids),
            sampler=self.backend.sampler(params, 0, token_ids),
            max_tokens=max_tokens,
            conversation_id=name,
            logprobs=logprobs,
            drafting=drafting,
        )

    def run(self, *sequences: Sequence) -> list[list[int]]:
        for sequence in sequences:
            self.scheduler.add(sequence)
        while self.scheduler.has_work:
            self.scheduler.step()
        assert all(sequence.error is None for sequence in sequences)
        return [sequence.token_ids[sequence.prompt_length :] for sequence in sequences]


def num_drafted(*sequences: Sequence) -> int:
    return sum(sequence.drafting.num_drafted for sequence in sequences if sequence.drafting)


def prompt(seed: int, length: int = 30) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(0, 256, length)]


@pytest.mark.parametrize("draft_tokens", [1, 3, None])
def test_greedy_answers_are_those_without_drafts(folder: Path, draft_tokens: int | None) -> None:
    plain, drafting = Conversation(folder, 0), Conversation(folder, draft_tokens)
    drafted = 0
    for seed in range(4):
        expected = plain.run(plain.sequence(prompt(seed)))
        sequence = drafting.sequence(prompt(seed))
        assert drafting.run(sequence) == expected
        assert sequence.drafting is not None
        drafted += sequence.drafting.num_drafted
    assert drafted


def test_a_second_turn_goes_on_from_what_is_cached(folder: Path) -> None:
    plain, drafting = Conversation(folder, 0), Conversation(folder, 2)
    token_ids = prompt(1)
    for turn in range(3):
        (expected,) = plain.run(plain.sequence(token_ids))
        sequence = drafting.sequence(token_ids)
        assert drafting.run(sequence) == [expected]
        assert (sequence.reused_length > 20) == (turn > 0)
        token_ids = [*token_ids, *expected, *prompt(turn + 10, 5)]


@pytest.mark.parametrize("draft_tokens", [2, None])
def test_several_at_a_time_draft_and_come_out_the_same(folder: Path, draft_tokens: int | None) -> None:
    plain, drafting = Conversation(folder, 0), Conversation(folder, draft_tokens)
    lengths = (10, 40, 25)
    expected = [
        plain.run(plain.sequence(prompt(seed), length, str(seed)))[0] for seed, length in enumerate(lengths)
    ]
    together = [drafting.sequence(prompt(seed), length, str(seed)) for seed, length in enumerate(lengths)]
    assert drafting.run(*together) == expected
    assert num_drafted(*together) or folder.name == "LLAMA"  # whose text may repeat nothing


@pytest.mark.parametrize(
    "params",
    [
        {"grammar": 'root ::= "[" ([a-f]+ [0-9]){3,} "]"'},
        {"grammar": 'root ::= ("x" | [^a-z]){10,30}', "repeat_penalty": 1.3, "penalty_window": -1},
    ],
)
def test_an_answer_with_a_grammar_is_that_without_drafts(folder: Path, params: dict[str, Any]) -> None:
    sampling = SamplingParams(temperature=0, **params)
    plain, drafting = Conversation(folder, 0), Conversation(folder, 3)
    for seed in range(3):
        expected = plain.run(plain.sequence(prompt(seed), params=sampling))
        sequence = drafting.sequence(prompt(seed), params=sampling)
        assert drafting.run(sequence) == expected
        assert num_drafted(sequence) or folder.name == "LLAMA"


def test_log_probabilities_are_those_without_drafts(folder: Path) -> None:
    values: list[list[Any]] = []
    for draft_tokens in (0, 3):
        conversation = Conversation(folder, draft_tokens)
        sequence = conversation.sequence(prompt(4), logprobs=2)
        conversation.scheduler.add(sequence)
        values.append([])
        while conversation.scheduler.has_work:
            values[-1] += [one.logprob for one in conversation.scheduler.step().generated]
    assert len(values[0]) == len(values[1]) == 40
    for first, second in zip(*values, strict=True):
        assert first.value == pytest.approx(second.value, abs=1e-4)
        assert [token for token, _ in first.alternatives] == [token for token, _ in second.alternatives]


@pytest.mark.parametrize("max_tokens", [1, 2, 5])
def test_the_limit_and_the_context_hold_inside_a_block(folder: Path, max_tokens: int) -> None:
    plain, drafting = (Conversation(folder, n, context_length=64) for n in (0, 4))
    for length, most in ((20, max_tokens), (60, 100)):
        first, second = plain.sequence(prompt(3, length), most), drafting.sequence(prompt(3, length), most)
        assert drafting.run(second) == plain.run(first)
        assert second.reason == first.reason


def test_forced_tokens_go_between_drafts(folder: Path) -> None:
    plain, drafting = Conversation(folder, 0), Conversation(folder, 2)
    answers = []
    for one in (plain, drafting):
        sequence = one.sequence(prompt(5))
        one.scheduler.add(sequence)
        while sequence.generated_length < 10:
            one.scheduler.step()
        del sequence.token_ids[sequence.prompt_length + 10 :]  # a block may have brought more
        sequence.cached_length = min(sequence.cached_length, sequence.prompt_length + 9)
        one.backend.truncate(sequence.slot, sequence.cached_length)
        sequence.force([65, 66, 67])
        while one.scheduler.has_work:
            one.scheduler.step()
        answers.append(sequence.token_ids)
    assert answers[0] == answers[1]


@pytest.mark.slow
def test_run_drafts_and_says_what_it_brought(folder: Path) -> None:
    options = ["--max-tokens", "24", "--temperature", "0", "--gpu-layers", "0", "--json"]
    plain = json.loads(retort("run", str(folder), "Who are you?", *options).stdout)
    done = retort("run", str(folder), "Who are you?", *options, "--mtp", "2")
    assert done.status == 0, done.stderr
    drafted = json.loads(done.stdout)
    assert drafted["text"] == plain["text"]
    assert drafted["drafting"] == "drafting 2 tokens, as asked"
    assert (plain["draft_acceptance"], plain["drafting"]) == (None, "")

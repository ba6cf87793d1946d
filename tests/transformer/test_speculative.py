"""Drafts of a real model: greedy answers are those of plain decoding, whatever is guessed and refused."""

import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.contract.params import SamplingParams
from engine.generation.distribution import Distribution
from engine.generation.draft import Draft, PromptLookup
from engine.generation.sequence import Sequence
from engine.library.checkpoint import read_checkpoint
from engine.transformer.drafters import ModelDrafter, MtpDrafter
from engine.transformer.model import Transformer, load_model
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.transformer_drafts import CHUNK, drafted_answer

pytestmark = pytest.mark.torch

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
PROMPTS, NEW_TOKENS = (50, 160) if FULL else (6, 60)
CONTEXT = 256
ROOMY = DEEPSEEK | {"num_hidden_layers": 1, "first_k_dense_replace": 1, "max_position_embeddings": 512}


def foreseeing_arrays(noise: float, num_mtp_layers: int = 1) -> dict[str, Any]:
    """A model of one layer whose MTP layers repeat it on the next token, so that most guesses are right."""
    config = ROOMY | {"num_nextn_predict_layers": num_mtp_layers, "first_k_dense_replace": 4}
    arrays, size, rng = random_arrays(config), config["hidden_size"], np.random.default_rng(5)
    embedding = arrays["model.embed_tokens.weight"]
    embedding /= np.sqrt((embedding**2).mean(axis=1, keepdims=True))  # so that `enorm` changes nothing
    for name in list(arrays):
        if name.startswith("model.layers.0."):
            for depth in range(1, num_mtp_layers + 1):
                arrays[name.replace("layers.0", f"layers.{depth}")] = arrays[name].copy()
    for depth in range(1, num_mtp_layers + 1):
        prefix = f"model.layers.{depth}"
        drawn = rng.normal(0, noise, (size, 2 * size)).astype(np.float32)
        arrays[f"{prefix}.eh_proj.weight"] = np.eye(size, 2 * size, dtype=np.float32) + drawn
        arrays[f"{prefix}.enorm.weight"][:] = 1
        arrays[f"{prefix}.shared_head.norm.weight"] = arrays["model.norm.weight"].copy()
    return arrays


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"{n} MTP layers")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    folder = tmp_path_factory.mktemp("foreseeing")
    config = ROOMY | {"num_nextn_predict_layers": request.param, "first_k_dense_replace": 4}
    return load_model(
        read_checkpoint(write_checkpoint(folder, config, foreseeing_arrays(0.05, request.param)))
    )


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """A model with experts whose MTP layer guesses at random."""
    return load_model(
        read_checkpoint(
            write_checkpoint(tmp_path_factory.mktemp("random"), DEEPSEEK, random_arrays(DEEPSEEK))
        )
    )


def plain_greedy(model: Transformer, prompt: list[int], num_tokens: int) -> list[int]:
    cache, token_ids = model.new_cache(CONTEXT), list(prompt)
    while len(token_ids) < len(prompt) + num_tokens:
        hidden = model.hidden_states(token_ids[cache.length :], cache.length, cache)
        token_ids.append(int(model.logits(hidden[-1:]).argmax()))
    return token_ids[len(prompt) :]


def drafted(
    model: Transformer, drafter: Any, prompt: list[int], **options: Any
) -> tuple[list[int], Sequence]:
    return drafted_answer(
        model, drafter, prompt, **({"max_tokens": NEW_TOKENS, "context_length": CONTEXT} | options)
    )


def prompts(count: int = PROMPTS) -> list[list[int]]:
    rng = random.Random(3)
    return [[rng.randrange(64) for _ in range(rng.randint(1, 30))] for _ in range(count)]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_greedy_answers_with_mtp_are_plain_ones(model: Transformer, depth: int) -> None:
    accepted = drafts = 0
    for prompt in prompts():
        found, sequence = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=depth)
        assert found == plain_greedy(model, prompt, NEW_TOKENS)
        assert sequence.drafting is not None
        accepted += sequence.drafting.num_accepted
        drafts += sequence.drafting.num_drafted
    assert 0.3 < accepted / drafts < 1  # both ways were taken


@pytest.mark.parametrize("drafter", ["mtp", "lookup", "itself"])
def test_greedy_answers_of_a_model_with_experts_are_plain_ones(other: Transformer, drafter: str) -> None:
    for prompt in prompts(PROMPTS // 2):
        makers: dict[str, Callable[[], Any]] = {
            "mtp": lambda: MtpDrafter(other, CONTEXT),
            "lookup": lambda: PromptLookup(longest=2, shortest=1),
            "itself": lambda: ModelDrafter(other, CONTEXT),
        }
        found, sequence = drafted(other, makers[drafter](), prompt, depth=3)
        assert found == plain_greedy(other, prompt, NEW_TOKENS)
        assert sequence.drafting is not None
        if drafter == "itself":  # a near tie cuts a block short
            assert sequence.drafting.num_accepted > 0.9 * sequence.drafting.num_drafted


def note(seen: list[Any], logits: Any, history: Any) -> Draft:
    """Guess that the token after is the next number."""
    seen.append(logits)
    return Draft((history[-1] + 1) % 64, Distribution.certain((history[-1] + 1) % 64))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_guesses_are_those_of_a_fresh_computation(model: Transformer, depth: int) -> None:
    """After refusals the MTP caches hold what they would hold had nobody guessed."""
    prompt = prompts(1)[0]
    drafter = MtpDrafter(model, CONTEXT)
    found, _ = drafted(model, drafter, prompt, depth=depth, max_tokens=40)
    token_ids = [*prompt, *found]
    hidden = model.hidden_states(token_ids[:-1], 0, model.new_cache(CONTEXT))
    fresh = MtpDrafter(model, CONTEXT)
    fresh.observe(0, hidden)
    seen: list[list[Any]] = [[], []]
    for which, one in enumerate((drafter, fresh)):
        one.propose(token_ids, depth, partial(note, seen[which]))
    assert len(seen[0]) == depth
    for ours, theirs in zip(*seen, strict=True):
        assert np.allclose(ours, theirs, atol=1e-4)


def test_an_end_token_inside_a_block_ends_the_answer(model: Transformer) -> None:
    prompt = prompts(1)[0]
    whole = plain_greedy(model, prompt, NEW_TOKENS)
    for end in sorted(set(whole))[:8]:
        found, sequence = drafted(
            model, MtpDrafter(model, CONTEXT), prompt, depth=3, end_tokens=frozenset({end})
        )
        assert found == whole[: whole.index(end)]
        assert (sequence.token_ids[-1], sequence.reason) == (end, "stop")


@pytest.mark.parametrize("max_tokens", [1, 2, 3, 7])
def test_the_limit_inside_a_block_is_kept(model: Transformer, max_tokens: int) -> None:
    prompt = prompts(1)[0]
    found, _ = drafted(model, ModelDrafter(model, CONTEXT), prompt, depth=4, max_tokens=max_tokens)
    assert found == plain_greedy(model, prompt, max_tokens)


def test_a_full_context_ends_the_answer_where_plain_decoding_ends(model: Transformer) -> None:
    prompt = [place % 64 for place in range(CONTEXT - 10)]
    found, sequence = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=4, max_tokens=100)
    assert found == plain_greedy(model, prompt, 11)
    assert (sequence.cached_length, sequence.reason) == (CONTEXT, "context")


def test_a_near_tie_is_decided_by_the_plain_path(model: Transformer) -> None:
    """With every gap a near tie each token comes from a step of one row, which is plain decoding itself."""
    prompt = prompts(1)[0]
    found, sequence = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=2, near_tie=1e9)
    assert found == plain_greedy(model, prompt, NEW_TOKENS)
    assert sequence.drafting is not None
    assert sequence.drafting.num_drafted
    assert not sequence.drafting.num_accepted


def test_a_long_prompt_is_prefilled_in_chunks(model: Transformer) -> None:
    prompt = [place * place % 64 for place in range(3 * CHUNK // 2)]
    found, _ = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=2)
    assert found == plain_greedy(model, prompt, NEW_TOKENS)


def test_penalties_count_the_tokens_of_the_block_itself(model: Transformer) -> None:
    params = SamplingParams(temperature=0, repeat_penalty=1.5, frequency_penalty=0.3, penalty_window=-1)
    prompt = prompts(1)[0]
    expected, _ = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=0, sampling=params)
    found, _ = drafted(model, MtpDrafter(model, CONTEXT), prompt, depth=3, sampling=params)
    assert found == expected
    assert found != plain_greedy(model, prompt, NEW_TOKENS)

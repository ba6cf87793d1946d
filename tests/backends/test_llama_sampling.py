"""llama.cpp's samplers as we configure them, against plain reference implementations."""

import ctypes
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.backends.llama.backend import LlamaBackend
from engine.backends.llama.grammar import MAX_NESTING
from engine.contract.errors import InvalidRequest
from engine.contract.params import FORBIDDEN, LoadParams, SamplingParams
from tests.support import reference_sampling as reference
from tests.support.generation import answer_alone, compute
from tests.support.reference_sampling import Distribution

pytestmark = pytest.mark.llama

DRAWS = 3000
PLAIN = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "temperature": 1.0, "seed": 11}
# The 99.9 % quantile of chi-squared by degrees of freedom, approximated (Wilson and Hilferty 1931).
Z_999 = 3.0902


def chi_squared_limit(degrees: int) -> float:
    share = 2 / (9 * degrees)
    return float(degrees * (1 - share + Z_999 * share**0.5) ** 3)


@pytest.fixture(scope="module")
def backend(tiny_model: Path) -> Iterator[LlamaBackend]:
    loaded = LlamaBackend(tiny_model, LoadParams(threads=1), lambda _: None, lambda: False)
    yield loaded
    loaded.close()


@pytest.fixture
def logits(backend: LlamaBackend) -> dict[int, float]:
    """Logits at the end of a prompt, sharpened so that filters have something to keep."""
    backend.truncate(0, 0)
    compute(backend, backend.tokenize("Once upon", add_special=True))
    row = backend._library.llama_get_logits_ith(backend._context, -1)
    size = backend.loaded.info.vocabulary_size
    for token in range(size):
        row[token] *= 2
    return dict(enumerate(ctypes.cast(row, ctypes.POINTER(ctypes.c_float))[:size]))


def drawn(backend: LlamaBackend, params: SamplingParams, draws: int = DRAWS) -> Counter[int]:
    sampler = backend.sampler(params, params.seed or 0, [])
    counts = Counter(sampler.sample(-1) for _ in range(draws))
    sampler.close()
    return counts


def check_distribution(counts: Counter[int], expected: Distribution) -> None:
    """Chi-squared, with choices that are expected fewer than five times counted as one."""
    draws = sum(counts.values())
    assert set(counts) <= {token for token, share in expected.items() if share > 0}
    rare = [token for token, share in expected.items() if share * draws < 5]
    cells = [(counts[t], share * draws) for t, share in expected.items() if t not in rare]
    cells.append((sum(counts[t] for t in rare), sum(expected[t] for t in rare) * draws))
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells if wanted > 0)
    assert statistic < chi_squared_limit(max(1, len(cells) - 1))


@pytest.mark.parametrize("bias", [(), ((40, 30.0), (41, FORBIDDEN)), ((40, 10.0), (40, 20.0))], ids=str)
def test_the_likeliest_token_is_the_chain_s_and_the_logits_stay_as_they_were(
    backend: LlamaBackend, bias: tuple[tuple[int, float], ...]
) -> None:
    draw = np.random.default_rng(3)
    backend.truncate(0, 0)
    row = compute(backend, backend.tokenize("Once upon", add_special=True))
    sampler = backend.sampler(SamplingParams(temperature=0, logit_bias=bias), 0, [])
    for _ in range(50):
        backend.logits(row)[:] = draw.integers(-40, 40, backend.loaded.info.vocabulary_size)  # with ties
        before = backend.logits(row).copy()
        assert sampler.sample(row) == sampler._sample_freely(row)
        assert np.array_equal(backend.logits(row), before)
    sampler.close()


@pytest.mark.parametrize(
    ("params", "reference_of"),
    [
        ({}, lambda d: d),
        ({"temperature": 0.5}, lambda d: reference.with_temperature(d, 0.5)),
        ({"temperature": 1.7}, lambda d: reference.with_temperature(d, 1.7)),
        ({"top_k": 5}, lambda d: reference.top_k(d, 5)),
        ({"top_p": 0.6}, lambda d: reference.top_p(d, 0.6)),
        ({"min_p": 0.2}, lambda d: reference.min_p(d, 0.2)),
        ({"typical_p": 0.5}, lambda d: reference.typical(d, 0.5)),
        ({"xtc_probability": 0.5, "xtc_threshold": 0.02}, lambda d: reference.xtc(d, 0.5, 0.02)),
        (
            {"top_k": 30, "top_p": 0.8, "min_p": 0.02, "temperature": 0.7},
            lambda d: reference.with_temperature(
                reference.min_p(reference.top_p(reference.top_k(d, 30), 0.8), 0.02), 0.7
            ),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "reference",
)
def test_draws_follow_the_distribution_that_the_params_describe(
    backend: LlamaBackend,
    logits: dict[int, float],
    params: dict[str, float],
    reference_of: Callable[[Distribution], Distribution],
) -> None:
    expected = reference_of(reference.softmax(logits))
    check_distribution(drawn(backend, SamplingParams(**{**PLAIN, **params})), expected)  # type: ignore[arg-type]


def test_a_planted_error_would_be_seen(backend: LlamaBackend, logits: dict[int, float]) -> None:
    wrong = reference.with_temperature(reference.softmax(logits), 1.15)
    with pytest.raises(AssertionError):
        check_distribution(drawn(backend, SamplingParams(**PLAIN)), wrong)  # type: ignore[arg-type]


def test_temperature_0_is_the_most_likely_token(backend: LlamaBackend, logits: dict[int, float]) -> None:
    best = max(logits, key=logits.__getitem__)
    assert drawn(backend, SamplingParams(temperature=0), 5) == {best: 5}


def test_a_bias_forbids_and_forces_tokens(backend: LlamaBackend, logits: dict[int, float]) -> None:
    best = max(logits, key=logits.__getitem__)
    forbidden = SamplingParams(temperature=0, logit_bias=((best, FORBIDDEN),))
    assert best not in drawn(backend, forbidden, 3)
    assert drawn(backend, SamplingParams(temperature=0, logit_bias=((7, 1000.0),)), 3) == {7: 3}
    with pytest.raises(InvalidRequest, match="token 999999"):
        drawn(backend, SamplingParams(logit_bias=((999_999, 1.0),)))


@pytest.mark.parametrize(
    "penalty", [{"repeat_penalty": 10.0}, {"presence_penalty": 50.0}, {"frequency_penalty": 50.0}], ids=str
)
def test_a_penalty_keeps_greedy_answers_from_repeating_themselves(
    backend: LlamaBackend, logits: dict[int, float], penalty: dict[str, float]
) -> None:
    assert logits
    plain = drawn(backend, SamplingParams(temperature=0), 10)
    punished = drawn(backend, SamplingParams(temperature=0, **penalty), 10)  # type: ignore[arg-type]
    assert len(plain) == 1
    assert len(punished) > 1


def test_penalties_see_the_end_of_the_prompt(backend: LlamaBackend, logits: dict[int, float]) -> None:
    best = max(logits, key=logits.__getitem__)
    params = SamplingParams(temperature=0, presence_penalty=50.0, penalty_window=4)
    for history, expected in (([best, 9, 9], False), ([best, 9, 9, 9, 9], True)):
        sampler = backend.sampler(params, 0, history)
        assert (sampler.sample(-1) == best) is expected
        sampler.close()


def answer(backend: LlamaBackend, params: SamplingParams, max_tokens: int = 120) -> str:
    tokens = answer_alone(backend, backend.tokenize("Once", add_special=True), params, max_tokens)
    return b"".join(backend.piece(token) for token in tokens).decode(errors="replace")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_answer_follows_its_grammar_and_ends_with_it(backend: LlamaBackend, temperature: float) -> None:
    grammar = 'root ::= ("yes" | "no") " " [0-9] [0-9]? "!"'
    text = answer(backend, SamplingParams(grammar=grammar, temperature=temperature, seed=5))
    word, number = text.removesuffix("!").split()
    assert word in ("yes", "no")
    assert number.isdigit()
    assert text.endswith("!")


def test_an_answer_follows_its_json_schema(backend: LlamaBackend) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["fox", "dog"]}, "legs": {"type": "boolean"}},
        "required": ["name", "legs"],
        "additionalProperties": False,
    }
    value = json.loads(answer(backend, SamplingParams(json_schema=json.dumps(schema), seed=2)))
    assert value["name"] in ("fox", "dog")
    assert isinstance(value["legs"], bool)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"grammar": "root ::= ("}, "not valid GBNF"),
        ({"grammar": 'other ::= "x"'}, "not valid GBNF"),
        ({"grammar": "root ::= root"}, "not valid GBNF"),
        ({"grammar": "root ::= " + "(" * (MAX_NESTING + 1)}, "nested more than"),
        ({"json_schema": "{"}, "not JSON"),
        ({"json_schema": '{"$ref": "https://example.com/schema"}'}, "cannot be made a grammar"),
        ({"json_schema": '{"$ref": "#/nowhere"}'}, "cannot be made a grammar"),
        ({"json_schema": "[1]"}, "cannot be made a grammar"),
    ],
    ids=str,
)
def test_a_grammar_that_cannot_be_used_is_refused(
    backend: LlamaBackend, params: dict[str, str], reason: str
) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        backend.sampler(SamplingParams(**params), 0, [])  # type: ignore[arg-type]

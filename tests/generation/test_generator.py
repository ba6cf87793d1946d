import itertools

from engine.backends.fake import FakeBackend
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import Cancelled
from engine.generation.generator import CHUNK_GOAL_S, generate, next_chunk_size
from engine.generation.sequence import Sequence


def load(
    model: str = "fake:tokens=5,text=abc", *, context_length: int = 4096, batch_size: int = 512
) -> FakeBackend:
    params = LoadParams(context_length=context_length, batch_size=batch_size)
    return FakeBackend(model, params, lambda _: None, lambda: False)


def run(
    backend: FakeBackend, prompt: str, max_tokens: int = 100, cancelled: Cancelled = lambda: False
) -> tuple[bytes, Sequence]:
    token_ids = backend.tokenize(prompt, add_special=False)
    sequence = Sequence(token_ids, prompt_length=len(token_ids))
    sampler = backend.sampler(SamplingParams(), 0, token_ids)
    return bytes(generate(backend, sequence, sampler, max_tokens, cancelled)), sequence


def test_an_answer_ends_at_the_end_token_which_is_not_shown() -> None:
    backend = load()
    text, sequence = run(backend, "hello")
    assert text == b"abcab"
    assert sequence.token_ids[-1] in backend.end_tokens
    assert sequence.generated_length == 6


def test_an_answer_ends_at_the_limit() -> None:
    assert run(load(), "hello", max_tokens=2)[0] == b"ab"
    assert run(load(), "hello", max_tokens=0)[0] == b""


def test_a_full_context_ends_an_answer_and_every_position_of_it_was_used() -> None:
    text, sequence = run(load("fake:tokens=50", context_length=12), "12345678")
    assert len(text) == 5  # the last one needs no position of its own
    assert sequence.cached_length == 12


def test_what_is_cached_is_everything_but_the_newest_token() -> None:
    backend = load()
    _, sequence = run(backend, "hello", max_tokens=3)
    assert sequence.token_ids[: sequence.cached_length] == backend.cached_token_ids
    assert len(sequence.pending) == 1


def test_a_long_prompt_is_computed_in_chunks_that_fit_the_batch() -> None:
    backend = load(batch_size=16)
    lengths: list[int] = []
    decode = backend.decode

    def counting(token_ids: list[int], position: int, cancelled: Cancelled) -> None:
        lengths.append(len(token_ids))
        decode(token_ids, position, cancelled)

    backend.decode = counting  # type: ignore[method-assign, assignment]
    run(backend, "x" * 100, max_tokens=1)
    assert sum(lengths) == 100
    assert max(lengths) == 16


def test_cancel_during_prefill_yields_nothing_and_keeps_what_was_cached() -> None:
    backend = load(batch_size=16)
    answers = itertools.chain([False] * 4, itertools.repeat(True))
    text, sequence = run(backend, "x" * 100, cancelled=lambda: next(answers))
    assert text == b""
    assert 0 < sequence.cached_length < 100
    assert backend.cached_token_ids == sequence.token_ids[: sequence.cached_length]


def test_cancel_between_tokens_keeps_the_text_so_far() -> None:
    answers = itertools.chain([False] * 6, itertools.repeat(True))
    text, _ = run(load("fake:tokens=50"), "hello", cancelled=lambda: next(answers))
    assert 0 < len(text) < 50


def test_a_chunk_grows_to_the_goal_and_shrinks_below_it() -> None:
    assert next_chunk_size(64, 0.001, 512) == 128  # never more than double
    assert next_chunk_size(64, CHUNK_GOAL_S * 4, 512) == 16
    assert next_chunk_size(64, 100.0, 512) == 8
    assert next_chunk_size(512, 0.001, 512) == 512

"""Slots of llama.cpp: batches of several sequences, prefixes shared and saved, recurrent models, memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.backends.llama import loading
from engine.backends.llama.backend import LlamaBackend
from engine.contract.errors import InvalidRequest, ModelTooLarge
from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.generation.backend import CacheFull, DecodeCancelled, Entry
from engine.generation.logprobs import logprob_of
from engine.generation.sequence import never
from engine.hardware import kv_layout as kv_layout_module
from engine.hardware.kv_layout import SPARE_POSITIONS, KvLayout, kv_layout, shared_positions
from engine.library.gguf import read_header
from engine.library.model_shape import shape_of_header
from tests.support.generation import answer_alone, compute, new_scheduler, new_sequence, run, tokens_of
from tests.support.tiny_recurrent import write_tiny_jamba, write_tiny_mamba

pytestmark = pytest.mark.llama
TOKENS = list(range(10, 60))


def load_shared(path: Path, **params: object) -> LlamaBackend:
    """A model with one KV cache for all slots, which otherwise only large ones have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kv_layout_module, "SEPARATE_BYTES", 0)
        return load(path, **params)


def load(path: Path, **params: object) -> LlamaBackend:
    given = LoadParams(**{"threads": 1, "sequences": 3, "context_length": 512} | params)  # type: ignore[arg-type]
    return LlamaBackend(path, given, lambda _: None, lambda: False)


@pytest.fixture(scope="module")
def attention(tiny_model: Path) -> Iterator[LlamaBackend]:
    loaded = load_shared(tiny_model)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def separate(tiny_model: Path) -> Iterator[LlamaBackend]:
    loaded = load(tiny_model)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    loaded = load(write_tiny_mamba(tmp_path_factory.mktemp("models") / "mamba.gguf"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    loaded = load(write_tiny_jamba(tmp_path_factory.mktemp("models") / "jamba.gguf"))
    assert not loaded.can_truncate
    yield loaded
    loaded.close()


@pytest.fixture(params=["attention", "separate", "recurrent", "hybrid"])
def backend(request: pytest.FixtureRequest) -> Iterator[LlamaBackend]:
    loaded: LlamaBackend = request.getfixturevalue(request.param)
    yield loaded
    for slot in range(loaded.num_slots):
        assert loaded.truncate(slot, 0)


def logits_after(backend: LlamaBackend, token_ids: list[int], position: int, slot: int) -> np.ndarray:
    return backend.logits(compute(backend, token_ids, position, slot=slot)).copy()


def test_one_call_computes_several_sequences_each_for_itself(backend: LlamaBackend) -> None:
    alone = [logits_after(backend, TOKENS[:length], 0, slot) for slot, length in enumerate((20, 50))]
    for slot in range(2):
        backend.truncate(slot, 0)
    rows = backend.decode([Entry(0, 0, TOKENS[:20]), Entry(1, 0, TOKENS)], never)
    for row, expected in zip(rows, alone, strict=True):
        assert np.allclose(backend.logits(row), expected, atol=0.02)


def test_with_parts_of_their_own_slots_do_not_touch_each_other_s_rounding(separate: LlamaBackend) -> None:
    alone = logits_after(separate, TOKENS, 0, 0)
    separate.truncate(0, 0)
    for slot in (1, 2, 3):
        compute(separate, TOKENS[: 10 * slot], slot=slot)
    assert np.array_equal(logits_after(separate, TOKENS, 0, 4), alone)
    for slot in range(5):
        separate.truncate(slot, 0)


def test_a_large_cache_is_shared_and_a_small_one_is_not() -> None:
    def layout(num_values: int, **more: int) -> KvLayout:
        numbers: dict[str, int | tuple[int, ...]] = {"block_count": 1, "attention.head_count": 1}
        numbers |= {"embedding_length": num_values} | more
        shape = ModelShape(
            name="", format="gguf", architecture="llama", numbers=numbers, weights=(), vocabulary_size=0
        )
        return kv_layout(shape, LoadParams(context_length=1000), 2**33)

    assert layout(25) == KvLayout(8, 8 * 1024, is_shared=False)
    assert layout(50_000) == KvLayout(60, 2048, is_shared=True)
    assert layout(25, **{"ssm.state_size": 16, "ssm.inner_size": 8}) == KvLayout(5, 2048, is_shared=True)


def test_the_last_positions_of_an_entry_may_have_logits_too(backend: LlamaBackend) -> None:
    expected = logits_after(backend, TOKENS[:48], 0, 0)
    backend.truncate(0, 0)
    (row,) = backend.decode([Entry(0, 0, TOKENS, num_logits=3)], never)
    assert np.allclose(backend.logits(row), expected, atol=0.02)


def test_a_copy_goes_on_as_the_original_does_and_each_for_itself(backend: LlamaBackend) -> None:
    compute(backend, TOKENS)
    backend.copy(0, 1, len(TOKENS))
    copied = logits_after(backend, [70], 50, 1)
    assert np.allclose(logits_after(backend, [70], 50, 0), copied, atol=0.02)
    logits_after(backend, [71], 51, 0)
    assert not np.allclose(logits_after(backend, [72], 51, 1), copied, atol=0.02)


def test_a_saved_slot_can_be_brought_back_anywhere(backend: LlamaBackend) -> None:
    compute(backend, TOKENS)
    state = backend.save_state(0)
    expected = logits_after(backend, [70], 50, 0)
    backend.truncate(0, 0)
    assert backend.restore_state(2, state)
    assert np.allclose(logits_after(backend, [70], 50, 2), expected, atol=0.02)


def test_a_state_that_is_none_is_refused_and_the_slot_is_empty(backend: LlamaBackend) -> None:
    assert not backend.restore_state(1, b"no state")
    compute(backend, TOKENS, slot=1)


def test_a_partial_state_brings_a_slot_back_to_where_it_was(backend: LlamaBackend) -> None:
    compute(backend, TOKENS)
    state = backend.save_state(0, partial=True)
    expected = logits_after(backend, [70, 71], 50, 0)
    assert backend.truncate(0, 50) is backend.can_truncate
    assert backend.restore_state(0, state, partial=True)
    assert backend.truncate(0, 50)
    assert np.allclose(logits_after(backend, [70, 71], 50, 0), expected, atol=0.02)


def test_a_full_kv_cache_is_said_and_leaves_everything_as_it_was(tiny_model: Path) -> None:
    backend = load_shared(tiny_model, context_length=256, sequences=1)  # no spare positions
    expected = logits_after(backend, [70], 0, 0)
    backend.truncate(0, 0)
    compute(backend, TOKENS * 5)
    with pytest.raises(CacheFull):
        compute(backend, TOKENS, slot=1)
    backend.truncate(0, 0)
    assert np.allclose(logits_after(backend, [70], 0, 1), expected, atol=0.02)
    backend.close()


def test_a_long_call_notices_that_all_its_requests_are_cancelled(tiny_model: Path) -> None:
    backend = load(tiny_model)
    looks = iter([False] * 5)
    with pytest.raises(DecodeCancelled):
        compute(backend, TOKENS * 8, cancelled=lambda: next(looks, True))
    backend.truncate(0, 0)
    compute(backend, TOKENS)
    backend.close()


def test_turns_and_regenerated_turns_answer_as_if_all_had_been_computed_anew(backend: LlamaBackend) -> None:
    opening = backend.tokenize("the first turn of a talk, ", add_special=True)
    answer = answer_alone(backend, opening, max_tokens=8)
    second = [*opening, *answer, *backend.tokenize("and the second", add_special=False)]
    expected = answer_alone(backend, second, max_tokens=8)
    for slot in range(backend.num_slots):
        backend.truncate(slot, 0)
    scheduler = new_scheduler(backend)
    for prompt, answered, reused in (
        (opening, answer, 0),
        (second, expected, len(opening) + len(answer) - 1),
        (second, expected, len(second) - 1),
        (opening, answer, len(opening) - 1),
    ):
        sequence = new_sequence(backend, prompt, max_tokens=8, conversation_id="a")
        assert tokens_of(run(scheduler, sequence), sequence) == answered
        assert sequence.reused_length == reused


def test_several_conversations_at_once_with_more_of_them_than_slots(backend: LlamaBackend) -> None:
    scheduler = new_scheduler(backend)
    prompts = [f"conversation {number} says something of its own" for number in range(9)]
    sequences = [
        new_sequence(backend, prompt, max_tokens=6, conversation_id=prompt[13]) for prompt in prompts
    ]
    run(scheduler, *sequences)
    again = [
        new_sequence(backend, sequence.token_ids, max_tokens=6, conversation_id=sequence.conversation_id)
        for sequence in sequences
    ]
    run(scheduler, *again)
    assert all(one.reused_length == len(one.token_ids) - 6 - 1 for one in again)


def test_logprobs_are_those_of_the_models_logits(attention: LlamaBackend) -> None:
    logits = logits_after(attention, TOKENS, 0, 0).astype(np.float64)
    expected = logits - np.log(np.exp(logits).sum())  # (V,)
    found = logprob_of(logits.astype(np.float32), int(logits.argmax()), 5)
    assert found.value == pytest.approx(expected.max(), abs=1e-6)
    assert [value for _, value in found.alternatives] == pytest.approx(sorted(expected)[:-6:-1], abs=1e-6)
    attention.truncate(0, 0)


@pytest.mark.parametrize(
    "params",
    [
        {"flash_attention": "off"},
        {"flash_attention": "on"},
        {"use_mmap": False},
        {"use_mlock": True},
        {"kv_type": "bf16"},
        {"kv_type": "f16", "kv_type_v": "f32"},
        {"sequences": 1},
        {"batch_size": 16},
        {"batch_size": 16, "sequences": 128},
    ],
    ids=str,
)
def test_every_load_param_loads_and_answers_alike(
    tiny_model: Path, attention: LlamaBackend, params: dict[str, object]
) -> None:
    backend = load(tiny_model, **params)
    found = logits_after(backend, TOKENS[:10], 0, 0)
    backend.close()
    assert np.allclose(found, logits_after(attention, TOKENS[:10], 0, 0), atol=0.1)
    attention.truncate(0, 0)


def test_a_quantized_cache_without_flash_attention_is_refused(tiny_model: Path) -> None:
    with pytest.raises(InvalidRequest, match="flash attention"):
        load(tiny_model, kv_type="q8_0", flash_attention="off")


def test_memory_is_said_before_and_after(
    attention: LlamaBackend, separate: LlamaBackend, recurrent: LlamaBackend
) -> None:
    loaded = attention.loaded
    assert (loaded.context_length, loaded.sequences) == (512, 3)
    assert loaded.kv_cache_bytes == 1024 * loaded.kv_bytes_per_token
    assert separate.loaded.kv_cache_bytes == separate.num_slots * 512 * loaded.kv_bytes_per_token
    assert loaded.weights_bytes > 400_000  # 0.1 M parameters in F32
    assert 0 < loaded.rss_before_bytes < loaded.rss_after_bytes
    assert recurrent.loaded.kv_bytes_per_token == 0


def test_a_cache_that_does_not_fit_is_refused_before_anything_is_loaded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "available_bytes", lambda: 10_000)
    with pytest.raises(ModelTooLarge) as refused:
        load(tiny_model)
    assert refused.value.details == {"needed_bytes": 1024 * 512, "free_bytes": 10_000}


def test_spare_positions_are_for_those_beside_one_full_context(tiny_model: Path) -> None:
    header = shape_of_header(read_header(tiny_model))
    assert shared_positions(header, 512, LoadParams(sequences=1)) == 512
    assert shared_positions(header, 512, LoadParams()) == 1024
    assert shared_positions(header, 8192, LoadParams()) == 8192 + SPARE_POSITIONS

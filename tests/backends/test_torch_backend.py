"""The torch engine behind the Backend protocol, in a worker and on the command line."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from safetensors.numpy import load_file

from engine.backends.choose import load_backend
from engine.backends.torch_backend import TorchBackend
from engine.contract.errors import (
    EngineMissing,
    InternalError,
    InvalidRequest,
    ModelDamaged,
    ModelNotFound,
    ModelTooLarge,
    ModelUnsupported,
)
from engine.contract.model_info import BACKEND_REASONS
from engine.contract.params import LoadParams
from engine.generation.backend import CacheFull, DecodeCancelled, Entry
from tests.support.command_line import retort
from tests.support.generation import (
    GREEDY,
    answer_alone,
    compute,
    new_scheduler,
    new_sequence,
    run,
    tokens_of,
)
from tests.support.host_recorder import HostRecorder
from tests.support.tiny_checkpoint import (
    DEEPSEEK,
    LLAMA,
    random_arrays,
    write_chat_checkpoint,
    write_checkpoint,
    write_tokenizer,
)

pytestmark = pytest.mark.torch


def never() -> bool:
    return False


def load(folder: Path, **params: Any) -> TorchBackend:
    params = {"gpu_layers": 0, "threads": 1} | params
    backend = load_backend(str(folder), LoadParams(**params), lambda fraction: None, never)
    assert isinstance(backend, TorchBackend)
    return backend


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_checkpoint(tmp_path_factory.mktemp("checkpoints") / "Tiny-V3", DEEPSEEK)


@pytest.fixture(scope="module")
def backend(folder: Path) -> TorchBackend:
    return load(folder)


def answer(backend: TorchBackend, prompt: str, max_tokens: int = 20) -> list[int]:
    return answer_alone(backend, backend.tokenize(prompt, add_special=True), GREEDY, max_tokens)


def test_what_was_loaded_is_said_truly(backend: TorchBackend, folder: Path) -> None:
    loaded = backend.loaded
    assert (loaded.backend, loaded.device, loaded.context_length) == ("torch", "CPU", 512)
    assert loaded.kv_bytes_per_token == 2 * (16 + 4) * 4  # the latent and the key part of two layers, float32
    assert (loaded.info.name, loaded.info.architecture) == ("Tiny-V3", "deepseek_v3")
    weights = load_file(folder / "model.safetensors")
    assert loaded.info.parameters == sum(values.size for values in weights.values())
    assert (loaded.info.quantization, loaded.info.has_chat_template) == ("F32", True)


@pytest.mark.parametrize("text", ["hello", "Grüße, 世界! 😀", "  two  spaces\n\ttab", "\x00\x7f\xad", ""])
def test_the_pieces_of_a_text_are_its_bytes(backend: TorchBackend, text: str) -> None:
    token_ids = backend.tokenize(text, add_special=False)
    assert b"".join(backend.piece(token) for token in token_ids) == text.encode()


def test_special_tokens_are_recognised_and_have_no_bytes(backend: TorchBackend) -> None:
    assert backend.tokenize("a<|user|>b</s>", add_special=False)[1::2] == [259, 257]
    assert backend.piece(259) == backend.piece(257) == b""
    assert backend.piece(258) == b"<think>"  # added, but meant to be seen
    assert backend.piece(5_000) == b""


def test_the_begin_token_is_put_in_front_once(backend: TorchBackend) -> None:
    plain = backend.tokenize("hi", add_special=False)
    assert backend.tokenize("hi", add_special=True) == [256, *plain]
    assert backend.tokenize("<s>hi", add_special=True) == [256, *plain]


def test_template_and_end_tokens_come_from_the_files_beside_the_weights(backend: TorchBackend) -> None:
    assert backend.end_tokens == {257, 259}
    assert backend.template_tokens == {"bos_token": "<s>", "eos_token": "</s>"}
    assert "[assistant]" in backend.chat_template


def test_chunks_of_any_size_give_the_same_answer(folder: Path, backend: TorchBackend) -> None:
    expected = answer(backend, "a prompt of some length, in chunks")
    for batch_size in (1, 5, 100):
        small = load(folder, batch_size=batch_size)
        assert answer(small, "a prompt of some length, in chunks") == expected


def test_a_second_turn_computes_only_what_is_new(backend: TorchBackend) -> None:
    scheduler = new_scheduler(backend)
    first = new_sequence(backend, "first turn, ", max_tokens=3)
    run(scheduler, first)
    prompt = first.token_ids + backend.tokenize("second turn", add_special=False)
    second = new_sequence(backend, prompt, max_tokens=5)
    tokens = tokens_of(run(scheduler, second), second)
    assert second.reused_length == len(first.token_ids) - 1
    assert tokens == answer_alone(backend, prompt, max_tokens=5)


def test_several_at_once_answer_as_each_does_alone(backend: TorchBackend) -> None:
    prompts = ["one", "the second prompt", "3"]
    sequences = [new_sequence(backend, prompt, max_tokens=12) for prompt in prompts]
    generated = run(new_scheduler(backend), *sequences)
    for prompt, sequence in zip(prompts, sequences, strict=True):
        alone = answer_alone(backend, backend.tokenize(prompt, add_special=False), max_tokens=12)
        assert tokens_of(generated, sequence) == alone


def test_a_slot_can_be_copied_saved_and_brought_back(backend: TorchBackend) -> None:
    backend.truncate(0, 0)
    compute(backend, list(range(40)))
    expected = backend.logits(compute(backend, [50], 40)).copy()
    state = backend.save_state(0)
    backend.copy(0, 1, 40)
    assert np.allclose(backend.logits(compute(backend, [50], 40, slot=1)), expected, atol=1e-5)
    assert backend.restore_state(2, state)
    backend.truncate(2, 40)
    assert np.allclose(backend.logits(compute(backend, [50], 40, slot=2)), expected, atol=1e-5)
    for damaged in (state[:-1], state * 20):
        assert not backend.restore_state(3, damaged)
        compute(backend, [1], slot=3)  # it is empty
    for slot in range(4):
        backend.truncate(slot, 0)


def test_a_cancel_is_noticed_within_one_call(backend: TorchBackend) -> None:
    answers = iter([False, True])
    backend.truncate(0, 0)
    with pytest.raises(DecodeCancelled):
        compute(backend, list(range(40)), cancelled=lambda: next(answers))
    compute(backend, [1, 2])  # and the backend goes on


def test_positions_that_do_not_follow_are_an_error(folder: Path) -> None:
    backend = load(folder, context_length=16)
    with pytest.raises(InternalError, match="do not follow"):
        compute(backend, [1], 3)
    with pytest.raises(CacheFull):
        compute(backend, list(range(17)))
    with pytest.raises(InternalError, match="0 rows of logits"):
        backend.sampler(GREEDY, 0, []).sample(0)


def test_loading_can_be_cancelled(folder: Path) -> None:
    seen: list[float] = []
    with pytest.raises(DecodeCancelled):
        load_backend(str(folder), LoadParams(gpu_layers=0), seen.append, lambda: len(seen) > 5)
    assert len(seen) == 6


def test_what_cannot_be_loaded_says_why(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelNotFound):
        load(tmp_path)
    with pytest.raises(InvalidRequest, match="quantized"):
        load(folder, kv_type="q8_0")
    wide = write_chat_checkpoint(tmp_path / "wide", DEEPSEEK | {"kv_lora_rank": 4096})
    with pytest.raises(ModelTooLarge):
        load(wide, context_length=2**24)
    other = write_chat_checkpoint(tmp_path / "other", LLAMA)
    (other / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(ModelDamaged, match="it is no tokenizer"):
        load(other)
    write_tokenizer(other, num_tokens=300)
    with pytest.raises(ModelDamaged, match="its tokenizer has 300 tokens, the model 260"):
        load(other)
    (other / "tokenizer.json").unlink()
    with pytest.raises(ModelUnsupported, match=r"there is no tokenizer\.json"):
        load(other)


def test_without_torch_a_folder_is_refused_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "engine.backends.torch_backend")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineMissing, match="run on torch and tokenizers"):
        load_backend(str(folder), LoadParams(), lambda fraction: None, never)


def test_an_answer_goes_the_whole_way_through_host_and_worker(host: HostRecorder, folder: Path) -> None:
    host.ask("r1", str(folder), "hello", max_tokens=12)
    finished = host.finished("r1")
    assert finished.usage.completion_tokens == 12 or finished.reason == "stop"
    assert finished.loaded is not None
    assert finished.loaded.backend == "torch"
    assert finished.loaded.backend_reason == BACKEND_REASONS["folder"]
    host.ask("r2", str(folder), "hello", max_tokens=12)
    host.finished("r2")
    assert host.text_of("r1") == host.text_of("r2")


def test_a_draft_model_guesses_and_the_answer_stays_what_it_was(host: HostRecorder, folder: Path) -> None:
    smaller = write_chat_checkpoint(folder.parent / "Smaller", LLAMA)
    host.ask("plain", str(folder), "hello", max_tokens=24)
    host.finished("plain")
    for name, draft_model in (("own", folder), ("other", smaller)):
        load = LoadParams(draft_model=str(draft_model), draft_tokens=2)
        host.ask(name, str(folder), "hello", max_tokens=24, load=load)
        usage = host.finished(name).usage
        assert host.text_of(name) == host.text_of("plain")
        assert usage.drafted_tokens > 0
        assert usage.accepted_tokens == usage.drafted_tokens or draft_model is smaller


def test_a_draft_model_of_another_vocabulary_is_refused_in_words(folder: Path, tmp_path: Path) -> None:
    other = write_chat_checkpoint(tmp_path / "other", LLAMA)
    write_tokenizer(other, num_tokens=262)
    with pytest.raises(InvalidRequest, match=r"other has another vocabulary \(262 tokens\)"):
        load(folder, draft_model=str(other), draft_tokens=2)
    config = LLAMA | {"vocab_size": 320}
    wide = write_checkpoint(tmp_path / "wide", config, random_arrays(config))
    write_tokenizer(wide)
    with pytest.raises(InvalidRequest, match="wide gives 320 logits per token"):
        load(folder, draft_model=str(wide), draft_tokens=2)


def test_each_answer_counts_the_experts_of_what_was_computed_for_it(host: HostRecorder, folder: Path) -> None:
    load = LoadParams(count_experts=True)
    for request_id, prompt in (("r1", "hello"), ("r2", "hello there"), ("r3", "hello there")):
        host.ask(request_id, str(folder), prompt, max_tokens=6, load=load, conversation_id="c")
        usage = host.finished(request_id).usage
        computed = usage.prompt_tokens - usage.cached_tokens + max(usage.completion_tokens - 1, 0)
        dense, mixture = usage.expert_counts
        assert computed <= sum(mixture) / 3 <= computed + 1  # an end token that came is not counted in both
        assert sum(dense) == 0


def test_experts_are_counted_per_slot_where_that_is_asked_for(folder: Path, backend: TorchBackend) -> None:
    counting = load(folder, count_experts=True)
    assert counting.expert_counts(0) == ((0,) * 8, (0,) * 8)
    counting.decode([Entry(0, 0, [1, 2, 3, 4, 5])], never)
    counting.decode([Entry(0, 5, [6]), Entry(1, 0, [7])], never)
    dense, mixture = counting.expert_counts(0)
    assert (sum(dense), sum(mixture)) == (0, 6 * 3)  # three experts per token, in the second layer only
    assert sum(counting.expert_counts(1)[1]) == 3
    counting.truncate(0, 0)
    assert sum(counting.expert_counts(0)[1]) == 0
    assert backend.expert_counts(0) == ()


@pytest.mark.slow
def test_run_and_inspect_take_a_folder(folder: Path) -> None:
    done = retort(
        "run",
        str(folder),
        "Who are you?",
        "--max-tokens",
        "8",
        "--seed",
        "1",
        "--gpu-layers",
        "0",
        "--json",
        "--count-experts",
    )
    assert done.status == 0, done.stderr
    report = json.loads(done.stdout)
    used = report["prompt_tokens"] + report["completion_tokens"] - 1  # the last token is never computed
    assert sum(report["experts"][1]) in (3 * used, 3 * (used + 1))
    assert (report["backend"], report["device"], report["kv_bytes_per_token"]) == ("torch", "CPU", 160)
    assert report["prompt_tokens"] == len("[user]Who are you?[assistant]") + 1
    shown = json.loads(retort("inspect", str(folder), "--json").stdout)
    assert (shown["architecture"], shown["layers"], shown["experts"], shown["mtp_layers"]) == (
        "deepseek_v3",
        2,
        8,
        1,
    )
    assert 0 < shown["active_parameters"] < shown["parameters"]
    refused = retort("run", str(folder.parent), "hello")
    assert refused.status == 1
    assert "no model at" in refused.stderr

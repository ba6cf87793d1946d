"""Training and export on a tiny model."""

import random
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from engine.training import data  # noqa: E402
from engine.training.dialogues import story_exchange  # noqa: E402
from engine.training.export import export, interleave_rotary_rows  # noqa: E402
from engine.training.packing import Rows  # noqa: E402
from engine.training.tokenizer import encode, train_tokenizer  # noqa: E402
from engine.training.train import Training, TrainingParams, build_model, evaluate, lr_share, weighted_loss  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

TINY = TrainingParams(
    vocabulary_size=320, hidden_size=64, num_layers=2, num_heads=4, num_kv_heads=2, feed_forward_size=96,
    row_length=32, long_row_length=64, batch_tokens=256, warmup_steps=2, compiled=False,
)  # fmt: skip
TEXTS = [story_exchange(random.Random(seed))[1].content for seed in range(40)]


@pytest.fixture(autouse=True)
def no_progress_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' progress bars would start a thread that outlives the test."""
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)


@pytest.fixture
def training(tmp_path: Path) -> Training:
    corpus = data.Corpus(stories=(), held_out=(), books=tuple(TEXTS), small_talk={}, unanswerable=())
    tokenizer = train_tokenizer(TEXTS, vocabulary_size=TINY.vocabulary_size)
    return Training(corpus, tokenizer, TINY, out=tmp_path, seed=1)


@pytest.fixture
def rows(training: Training, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(data, "draw_epoch", lambda *_: TEXTS)
    return training.rows(TINY.row_length)


def test_twenty_steps_make_the_loss_fall(training: Training, rows: Rows) -> None:
    losses = [training.train(rows, 8 * step, 1.0) for step in range(20)]
    assert sum(losses[-3:]) / 3 < 0.85 * losses[0]


def test_a_restored_run_goes_on_as_if_it_had_not_stopped(
    training: Training, rows: Rows, tmp_path: Path
) -> None:
    training.train(rows, 0, 1.0)
    training.save_checkpoint()
    again = Training(training.corpus, training.tokenizer, TINY, out=tmp_path, seed=2)
    again.restore(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
    assert again.step == 1
    assert again.train(rows, 8, 1.0) == pytest.approx(training.train(rows, 8, 1.0), rel=1e-4)


def test_the_learning_rate_rises_with_steps_and_falls_with_time() -> None:
    assert lr_share(0.0, 0, TINY) == 0.5
    assert lr_share(0.1, 10, TINY) == 1.0
    assert lr_share(0.9, 10, TINY) < 0.2
    assert lr_share(2.0, 10, TINY) == pytest.approx(TINY.final_lr_share)


def test_padding_does_not_change_the_evaluation(training: Training) -> None:
    documents = encode(training.tokenizer, TEXTS[:3])
    alone = [evaluate(training.model, [document]) for document in documents]
    weights = [sum(document.weights) for document in documents]
    mean = sum(loss * weight for loss, weight in zip(alone, weights, strict=True)) / sum(weights)
    assert evaluate(training.model, documents) == pytest.approx(mean, rel=1e-4)


def test_targets_without_weight_do_not_count(training: Training) -> None:
    model = training.model.eval()
    ids = torch.arange(12).view(1, 12)
    weights = torch.tensor([[1.0, 0.0, 1.0]])
    first, _ = weighted_loss(model, ids[:, :3], torch.tensor([[5, 6, 7]]), weights)
    second, counted = weighted_loss(model, ids[:, :3], torch.tensor([[5, 9, 7]]), weights)
    assert first.item() == second.item()
    assert counted.item() == 2


def test_rotary_rows_are_interleaved_within_each_head() -> None:
    weight = np.arange(8, dtype=np.float32).reshape(8, 1)  # two heads of four rows
    assert interleave_rotary_rows(weight, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.llama
def test_the_exported_file_gives_the_same_greedy_tokens_in_llama_cpp(
    training: Training, tmp_path: Path
) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
    torch.manual_seed(3)
    training.model = build_model(TINY).eval()
    for parameter in training.model.parameters():  # random weights with clear winners
        parameter.data.mul_(3.0) if parameter.ndim == 2 else None
    training.save_model()
    path = tmp_path / "tiny.gguf"
    export(tmp_path, path, weight_type="f32")

    llama = llama_cpp.Llama(str(path), n_ctx=TINY.long_row_length, n_threads=1, verbose=False)
    prompt = training.tokenizer.encode(TEXTS[0]).ids[:12]
    assert llama.tokenize(TEXTS[0].encode(), add_bos=True)[:13] == [0, *prompt]
    ours: list[int] = []
    for token in llama.generate([0, *prompt], temp=0.0, repeat_penalty=1.0):
        ours.append(token)
        if len(ours) == 24:
            break
    llama.close()
    ids = torch.tensor([[0, *prompt]])
    for _ in range(24):
        logits = training.model(input_ids=ids).logits[0, -1]
        ids = torch.cat((ids, logits.argmax().view(1, 1)), dim=1)
    assert ours == ids[0, len(prompt) + 1 :].tolist()

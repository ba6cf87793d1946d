"""A run on a tiny model: it learns, stops, goes on, chooses its threads."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.training import run as training_run  # noqa: E402
from engine.training.average import averaged  # noqa: E402
from engine.training.data import Corpus  # noqa: E402
from engine.training.dialogues import story_exchange  # noqa: E402
from engine.training.loss import joint_loss, measure, token_losses  # noqa: E402
from engine.training.muon import orthogonalized  # noqa: E402
from engine.training.packing import Rows  # noqa: E402
from engine.training.params import TrainingParams, builtin_config, lr_share  # noqa: E402
from engine.training.run import CHECKPOINT, Training  # noqa: E402
from engine.training.teacher import Teacher, softened_divergence, student_config  # noqa: E402
from engine.training.threads import ThreadChooser  # noqa: E402
from engine.training.tokenizer import encode, train_tokenizer  # noqa: E402
from engine.training.train import build_parser, seconds_until  # noqa: E402
from tests.support.training_shape import tiny_config  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

TINY = TrainingParams(
    model=tiny_config(vocabulary_size=320), row_length=32, long_row_length=64, batch_tokens=256,
    warmup_steps=2, compiled=False,
)  # fmt: skip
TEXTS = [story_exchange(random.Random(seed))[0][1].content for seed in range(40)]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A model this tiny is computed faster by one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    corpus = Corpus(stories=(), held_out=(), books=(), small_talk=(), unanswerable=())
    monkeypatch.setattr(training_run, "draw_epoch", lambda *_: TEXTS)
    tokenizer = train_tokenizer(TEXTS, vocabulary_size=320)
    return Training(corpus, tokenizer, TINY, out=tmp_path, seed=1)


@pytest.fixture
def rows(training: Training) -> Rows:
    return training.rows(TINY.row_length)


def test_a_dozen_steps_make_both_losses_fall(training: Training, rows: Rows) -> None:
    losses = [training.train(rows, 8 * step, 1.0) for step in range(12)]
    for kind in (0, 1):
        last = [each[kind] for each in losses[-3:]]
        assert sum(last) / 3 < 0.85 * losses[0][kind]


def test_a_student_comes_nearer_to_its_teacher(training: Training, rows: Rows, tmp_path: Path) -> None:
    torch.manual_seed(5)
    config = student_config(TINY.model, num_layers=2, num_experts=2)
    with torch.no_grad():
        for parameter in training.model.parameters():  # a teacher that expects something
            parameter.mul_(3.0) if parameter.ndim > 1 else None
    student = Training(
        training.corpus, training.tokenizer, replace(TINY, model=config), out=tmp_path, seed=2,
        teacher=Teacher(training.model, share=1.0),
    )  # fmt: skip
    losses = [student.train(rows, 0, 1.0)[0] for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]


def test_a_model_that_expects_the_same_has_no_divergence() -> None:
    logits = torch.randn(2, 3, 7)
    assert softened_divergence(logits, logits, 2.0).abs().max() < 1e-5
    assert (softened_divergence(logits, -logits, 2.0) > 0).all()


@pytest.mark.parametrize(("layers", "experts"), [(1, 4), (3, 4), (2, 1), (2, 5)])
def test_a_student_is_no_larger_than_its_teacher(layers: int, experts: int) -> None:
    with pytest.raises(ValueError, match="a student has"):
        student_config(TINY.model, num_layers=layers, num_experts=experts)


def test_the_load_of_the_experts_is_evened_out(training: Training, rows: Rows) -> None:
    training.train(rows, 0, 1.0)
    assert all(mixture.correction.any() for mixture in training.model.mixtures())


def test_a_restored_run_goes_on_as_if_it_had_not_stopped(
    training: Training, rows: Rows, tmp_path: Path
) -> None:
    training.train(rows, 0, 1.0)
    training.save_checkpoint()
    again = Training(training.corpus, training.tokenizer, TINY, out=tmp_path, seed=2)
    again.restore(torch.load(tmp_path / CHECKPOINT, weights_only=True))
    assert again.step == 1
    assert again.train(rows, 8, 1.0) == pytest.approx(training.train(rows, 8, 1.0), rel=1e-4)


def test_a_run_ends_with_its_time_and_leaves_a_checkpoint_and_its_losses(
    training: Training, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        training, "_evaluation_sets", lambda: (1, {"held_out": encode(training.tokenizer, TEXTS[:2])})
    )
    training.run(budget_s=0.5, max_threads=1)
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert records[-1]["final"]
    assert records[-1]["held_out"] < 7
    assert 0 < records[-1]["held_out_acceptance"] <= 1
    assert (tmp_path / CHECKPOINT).exists()


def test_the_model_of_a_run_is_the_mean_of_what_it_was_while_the_rates_fell(
    training: Training, rows: Rows, tmp_path: Path
) -> None:
    for step, elapsed_s in enumerate((1.0, 6.0, 9.0)):
        training.train(rows, 8 * step, 1.0)
        training.elapsed_s = elapsed_s
        training.keep_weights(budget_s=10.0)
    kept = [torch.load(path, weights_only=True) for path in tmp_path.glob("weights_*.pt")]
    assert len(kept) == 2
    training.average_kept()
    for name, tensor in training.model.state_dict().items():
        assert torch.allclose(tensor, torch.stack([each[name] for each in kept]).mean(0), atol=1e-6)


def test_a_mean_of_weights_counts_each_with_its_share() -> None:
    states = [({"a": torch.tensor([2.0])}, 3.0), ({"a": torch.tensor([6.0])}, 1.0)]
    assert averaged(states)["a"].item() == 3.0
    with pytest.raises(ValueError, match="no weights"):
        averaged([])


def test_a_stopped_run_does_no_more_steps(training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_evaluation_sets", lambda: (1, {}))
    training.is_stopping = True
    training.run(budget_s=60, max_threads=1)
    assert training.step == 0


def test_the_learning_rate_rises_with_steps_stays_and_falls_with_progress() -> None:
    assert lr_share(0.0, 0, TINY) == 0.5
    assert lr_share(TINY.decay_from, 10, TINY) == 1.0
    assert TINY.final_lr_share < lr_share((1 + TINY.decay_from) / 2, 10, TINY) < 0.6
    assert lr_share(2.0, 10, TINY) == pytest.approx(TINY.final_lr_share)


def test_padding_does_not_change_what_is_measured(training: Training) -> None:
    documents = encode(training.tokenizer, TEXTS[:3])
    alone = [measure(training.model, [document]).loss for document in documents]
    weights = [sum(document.weights) for document in documents]
    mean = sum(loss * weight for loss, weight in zip(alone, weights, strict=True)) / sum(weights)
    assert measure(training.model, documents).loss == pytest.approx(mean, rel=1e-4)


def test_targets_without_weight_do_not_count(training: Training, rows: Rows) -> None:
    model = training.model.eval()
    inputs, targets, weights = (
        torch.from_numpy(part[:2].copy()) for part in (rows.inputs, rows.targets, rows.weights)
    )
    weights[:, 5:] = 0
    first = joint_loss(model, inputs, targets, weights, losses_of=token_losses)
    targets[:, 5:] = 7
    second = joint_loss(model, inputs, targets, weights, losses_of=token_losses)
    assert [each.item() for each in first] == [each.item() for each in second]


def test_an_orthogonalized_matrix_has_singular_values_near_one() -> None:
    torch.manual_seed(1)
    for shape in ((3, 16, 40), (2, 40, 16), (1, 32, 32)):
        values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)).float())
        assert 0.5 < values.median() < 1.3
        assert values.max() < 1.5


def test_the_count_of_threads_with_the_shortest_steps_is_chosen() -> None:
    now, used = 0.0, list[int]()
    chooser = ThreadChooser(2, use=used.append, clock=lambda: now)
    for _ in range(120):
        chooser.before_step()
        now += {1: 1.0, 2: 3.0}[used[-1]]  # somebody else keeps the second processor busy
    assert chooser.chosen == 1
    for _ in range(120):
        chooser.before_step()
        now += {1: 1.0, 2: 0.6}[used[-1]]
    assert chooser.chosen == 2


def test_the_time_of_day_to_be_ready_is_the_next_such_time() -> None:
    import datetime  # noqa: PLC0415

    now = datetime.datetime(2026, 1, 1, 17, 30)
    assert seconds_until("18:25", now) == 55 * 60
    assert seconds_until("17:00", now) == 23.5 * 3600


def test_a_run_needs_an_end() -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--data", "x", "--out", "y"])


def test_the_built_in_shape_can_be_quantized_throughout() -> None:
    config = builtin_config()
    assert config.moe is not None
    sizes = (config.hidden_size, config.feed_forward_size, config.moe.expert_size, config.moe.shared_size)
    assert all(size % 32 == 0 for size in sizes)

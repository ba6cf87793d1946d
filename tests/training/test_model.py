"""The model that is trained computes what the torch engine computes with the saved weights."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.library.checkpoint import read_checkpoint  # noqa: E402
from engine.training.experts import RoutedExperts  # noqa: E402
from engine.training.model import TrainedModel  # noqa: E402
from engine.training.save import load_trained, save_model  # noqa: E402
from engine.training.tokenizer import train_tokenizer  # noqa: E402
from engine.transformer.config_readers import read_config  # noqa: E402
from engine.transformer.model import load_model  # noqa: E402
from tests.support.training_shape import tiny_config  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def model() -> TrainedModel:
    torch.manual_seed(1)
    model = TrainedModel(tiny_config())
    model.eval()
    for mixture in model.mixtures():
        mixture.correction.normal_(std=0.2)
    return model


@pytest.fixture
def folder(model: TrainedModel, tmp_path: Path) -> Path:
    save_model(model, train_tokenizer(["a b c"], vocabulary_size=300), tmp_path)
    return tmp_path


def test_the_saved_configuration_is_read_as_the_one_that_was_trained(
    model: TrainedModel, folder: Path
) -> None:
    assert read_config(read_checkpoint(folder)) == model.config


def test_the_torch_engine_gives_the_same_logits(model: TrainedModel, folder: Path) -> None:
    engine = load_model(read_checkpoint(folder))
    ids = torch.randint(0, 300, (1, 40))
    with torch.no_grad():
        hidden, later = model(ids)
        expected, expected_later = model.logits(hidden[0]), model.logits(later[0])
    ours = engine.hidden_states(ids[0].tolist(), 0, engine.new_cache(64))
    drafted = engine.mtp_hidden_states(0, ours[:-1], ids[0, 1:].tolist(), 0, engine.new_mtp_cache(64))
    assert (engine.logits(ours) - expected).abs().max() < 1e-4
    assert (engine.logits(drafted) - expected_later).abs().max() < 1e-4


def test_a_saved_model_is_loaded_as_it_was(model: TrainedModel, folder: Path) -> None:
    loaded = load_trained(folder).state_dict()
    assert loaded.keys() == model.state_dict().keys()
    assert all(torch.equal(loaded[name], values) for name, values in model.state_dict().items())


def test_the_gradients_of_the_experts_are_those_of_finite_differences() -> None:
    torch.manual_seed(2)
    chosen = torch.tensor([[0, 2], [2, 1], [2, 0], [1, 2]])  # expert 3 gets nothing
    inputs = [
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((4, 6), (4, 2), (4, 10, 6), (4, 6, 5))
    ]

    assert torch.autograd.gradcheck(
        lambda x, shares, *weights: RoutedExperts.apply(x, shares, chosen, *weights), inputs
    )


def test_the_bias_moves_towards_experts_with_less_than_their_share(model: TrainedModel) -> None:
    mixture = model.train().mixtures()[0]
    mixture.correction.zero_()
    mixture.load.copy_(torch.tensor([5.0, 1.0, 3.0, 3.0]))
    mixture.balance(0.01)
    assert mixture.correction.tolist() == pytest.approx([-0.01, 0.01, 0.0, 0.0])
    assert not mixture.load.any()

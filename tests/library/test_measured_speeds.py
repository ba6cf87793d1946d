"""Which engine has been faster with a model is known once both have answered often enough."""

from pathlib import Path

import pytest

from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.library.backend_choice import Choice, choose_backend
from engine.library.measured_speeds import KEPT_ANSWERS, LEAST_ANSWERS, MeasuredSpeeds


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def speeds() -> MeasuredSpeeds:
    return MeasuredSpeeds(Paths.from_environment().measured_speeds)


def measured(speeds: MeasuredSpeeds, model: Path, engine: str, *values: float) -> None:
    for value in values:
        speeds.note(model, engine, value)


def test_one_engine_alone_is_not_the_faster_one(speeds: MeasuredSpeeds, model: Path) -> None:
    measured(speeds, model, "torch", *[50.0] * LEAST_ANSWERS)
    assert speeds.faster(model) == ""
    measured(speeds, model, "llama", *[20.0] * (LEAST_ANSWERS - 1))
    assert speeds.faster(model) == ""
    measured(speeds, model, "llama", 20.0)
    assert speeds.faster(model) == "torch"


def test_nearly_the_same_is_no_difference_and_one_slow_answer_neither(
    speeds: MeasuredSpeeds, model: Path
) -> None:
    measured(speeds, model, "torch", 21.0, 21.0, 21.0)
    measured(speeds, model, "llama", 20.0, 20.0, 20.0)
    assert speeds.faster(model) == ""
    measured(speeds, model, "llama", 1.0)
    assert speeds.faster(model) == ""


def test_the_newest_answers_count(speeds: MeasuredSpeeds, model: Path) -> None:
    measured(speeds, model, "torch", *[50.0] * KEPT_ANSWERS)
    measured(speeds, model, "llama", *[20.0] * KEPT_ANSWERS, *[90.0] * KEPT_ANSWERS)
    assert speeds.faster(model) == "llama"


def test_a_changed_file_is_another_model(speeds: MeasuredSpeeds, model: Path) -> None:
    measured(speeds, model, "torch", 50.0, 50.0, 50.0)
    measured(speeds, model, "llama", 20.0, 20.0, 20.0)
    model.write_bytes(b"GGUF and more")
    assert speeds.faster(model) == ""


def test_a_damaged_file_counts_as_empty(speeds: MeasuredSpeeds, model: Path) -> None:
    measured(speeds, model, "torch", 50.0)
    Paths.from_environment().measured_speeds.write_bytes(b"{")
    assert speeds.faster(model) == ""
    measured(speeds, model, "torch", 50.0)


def test_automatic_takes_the_engine_that_was_faster_here(speeds: MeasuredSpeeds, model: Path) -> None:
    assert choose_backend(str(model), LoadParams()) == Choice("llama", "gguf")
    measured(speeds, model, "torch", 50.0, 50.0, 50.0)
    measured(speeds, model, "llama", 20.0, 20.0, 20.0)
    assert choose_backend(str(model), LoadParams()) == Choice("torch", "speed")
    assert choose_backend(str(model), LoadParams(backend="llama")) == Choice("llama", "asked")

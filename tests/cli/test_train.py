"""`retort train`: what it refuses, and that a run leaves a model behind."""

import json
from pathlib import Path

import pytest

from engine.library.checkpoint import read_checkpoint
from tests.support.command_line import retort

STORY = """# Story {number}

{text}

* License: [CC-BY]
* Text: A. Writer
"""
VOICES = ("friendly", "caring", "enthusiastic", "professional", "witty")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with stories of our own and a little talk."""
    folder = tmp_path / "data"
    for name in ("text/stories", "text/books", "chat"):
        (folder / name).mkdir(parents=True)
    stories = [
        STORY.format(number=n, text=f"Story {n} is about a fox. " + f"The fox ran {n} miles and slept. " * 30)
        for n in range(43)
    ]
    (folder / "text/stories/pratham.txt").write_text("\n<|story|>\n".join(stories))
    rows = [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi!"}]]
    text = "\n".join(json.dumps({"messages": messages}) for messages in rows)
    for name in (*(f"chitchat-{voice}" for voice in VOICES), "short-answers", "instructions"):
        (folder / "chat" / f"{name}.jsonl").write_text(text)
    return folder


def test_a_data_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    outcome = retort("train", str(tmp_path / "run"), "--data", str(tmp_path / "none"), "--minutes", "1")
    assert outcome.status == 2
    assert "--data" in outcome.stderr


def test_a_run_needs_an_end(tmp_path: Path) -> None:
    assert retort("train", str(tmp_path / "run"), "--data", str(tmp_path)).status == 2


@pytest.mark.slow
@pytest.mark.torch
def test_a_run_leaves_its_losses_and_a_model(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    out = tmp_path / "run"
    outcome = retort("train", str(out), "--data", str(data), "--minutes", "0", "--threads", "1", "--json")
    assert outcome.status == 0, outcome.stderr
    measured = json.loads(outcome.stdout.splitlines()[-1])
    assert measured["step"] == 0
    assert measured["bits_per_byte"] > 1
    assert read_checkpoint(out / "model").config["model_type"] == "deepseek_v3"
    assert {"checkpoint.pt", "log.jsonl", "loss.svg", "tokenizer.json"} <= {
        path.name for path in out.iterdir()
    }


@pytest.mark.slow
@pytest.mark.torch
def test_a_student_has_its_teachers_vocabulary_and_fewer_layers(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    from engine.training.model import TrainedModel  # noqa: PLC0415
    from engine.training.save import save_model  # noqa: PLC0415
    from engine.training.tokenizer import train_tokenizer  # noqa: PLC0415
    from tests.support.training_shape import tiny_config  # noqa: PLC0415

    teacher, out = tmp_path / "teacher", tmp_path / "student"
    tokenizer = train_tokenizer(["The fox ran and slept."], vocabulary_size=320)
    save_model(TrainedModel(tiny_config(vocabulary_size=320)), tokenizer, teacher)
    words = ("--data", str(data), "--minutes", "0", "--threads", "1", "--layers", "2", "--experts", "2")
    outcome = retort("distill", str(teacher), str(out), *words)
    assert outcome.status == 0, outcome.stderr
    assert read_checkpoint(out / "model").config["n_routed_experts"] == 2
    assert (out / "tokenizer.json").read_text() == (teacher / "tokenizer.json").read_text()


def test_a_teacher_that_is_not_there_is_said(tmp_path: Path) -> None:
    outcome = retort("distill", str(tmp_path / "none"), "out", "--data", str(tmp_path), "--minutes", "1")
    assert outcome.status == 1
    assert "no model at" in outcome.stderr

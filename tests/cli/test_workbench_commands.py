"""The workbench from the command line, on the built-in model."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.sizes import in_words, parse_size
from engine.contract.paths import builtin_model, resources
from engine.contract.processes import child_environment
from engine.library.gguf import read_header
from tests.support.builtin_models import BUILTIN_Q8_0
from tests.support.command_line import retort
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint
from tests.support.tiny_model import Shape, write_tiny_model

pytestmark = pytest.mark.llama

TEXT = str(resources() / "builtin" / "STORIES.md")
SMALL = Shape(hidden=256, layers=1, heads=4, feed_forward=256)  # rows that every block divides


def last_object(stdout: str) -> dict[str, object]:
    found = json.loads(stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("123", 123), ("500MB", 500_000_000), ("8GiB", 2**33), ("1.5 mib", 3 * 2**19), ("0.1KB", 100)],
)
def test_a_size_is_read_as_it_is_written(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "much", "8G", "-1", "1e9", "1,5MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_sizes_are_said_with_their_bytes() -> None:
    assert in_words(2**30 * 3 // 2) == "1.50 GiB (1,610,612,736 bytes)"
    assert in_words(1000) == "1,000 bytes"


def test_a_dry_run_says_exactly_what_quantizing_then_writes(tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    words = ("quantize", "builtin", str(target), "--type", "Q4_0", "--json")
    planned = last_object(retort(*words, "--dry-run").stdout)
    assert not target.exists()
    outcome = retort(*words)
    assert outcome.status == 0, outcome.stderr
    written = last_object(outcome.stdout)
    assert planned["size_bytes"] == written["size_bytes"] == target.stat().st_size
    tensors = planned["tensors"]
    assert isinstance(tensors, list)
    types = {tensor["name"]: tensor["new_type"] for tensor in tensors}
    assert types == {tensor.name: tensor.type.name for tensor in read_header(target).tensors}
    answer = retort("run", str(target), "Once upon a time", "--max-tokens", "4", "--json")
    assert last_object(answer.stdout)["completion_tokens"] == 4


def test_a_dry_run_shows_the_parts_and_what_falls_back(tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.gguf")
    shown = retort("quantize", str(tiny), str(tmp_path / "out.gguf"), "--type", "Q2_K", "--dry-run").stdout
    assert "bits per weight" in shown
    assert "embedding" in shown
    assert "since their rows do not divide" in shown
    assert "Q4_0 for Q2_K" in shown


def test_an_importance_matrix_is_made_where_a_type_needs_one(tmp_path: Path) -> None:
    source, text = write_tiny_model(tmp_path / "source.gguf", shape=SMALL), tmp_path / "text.txt"
    text.write_text(Path(TEXT).read_text(encoding="utf-8")[:1200], encoding="utf-8")
    words = ("quantize", str(source), str(tmp_path / "out.gguf"), "--type", "iq2_xxs")
    refused = retort(*words)
    assert refused.status == 1
    assert "needs an importance matrix" in refused.stderr
    assert "--importance" in retort(*words, "--dry-run").stdout
    outcome = retort(*words, "--importance-text", str(text), "--json")
    assert outcome.status == 0, outcome.stderr
    assert "IQ2_XXS" in str(last_object(outcome.stdout)["tensor_types"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.gguf",
        "retort-home",
        "source.gguf",
        "text.txt",
    ]


def test_a_measured_recipe_is_within_its_size_and_can_be_used(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source.gguf", shape=SMALL)
    text, recipe, out = (tmp_path / name for name in ("text.txt", "recipe.json", "out.gguf"))
    text.write_text(Path(TEXT).read_text(encoding="utf-8")[:1200], encoding="utf-8")
    words = ("recipe", str(source), "--size", "500KB", "--text", str(text), "-o", str(recipe), "--json")
    foreseen = last_object(retort(*words, "--dry-run").stdout)
    assert foreseen["recipe"] == {"name": "Q6_K", "base": "Q6_K", "rules": []}
    assert not recipe.exists()
    found = retort(*words)
    assert found.status == 0, found.stderr
    report = last_object(found.stdout)
    assert json.loads(recipe.read_text()) == report["recipe"]
    assert retort("quantize", str(source), str(out), "--recipe", str(recipe)).status == 0
    assert out.stat().st_size == report["size_bytes"]
    assert 400_000 < out.stat().st_size <= 500_000


def test_a_size_without_a_text_takes_the_largest_type_that_fits(tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    quantized = retort("quantize", "builtin", str(out), "--size", "5MB")
    assert quantized.status == 0
    assert "The source itself has only 4.6 bits per weight" in quantized.stdout
    assert 4_000_000 < out.stat().st_size <= 5_000_000
    refused = retort("quantize", "builtin", str(out), "--size", "1MB")
    assert refused.status == 1
    assert "too few" in refused.stderr


def test_this_machine_is_a_budget_too(tmp_path: Path) -> None:
    words = ("recipe", str(BUILTIN_Q8_0), "--fit", "machine", "--json", "--ctx")
    short, long = (last_object(retort(*words, ctx).stdout) for ctx in ("1024", "200000"))
    assert short["recipe"] == {"name": "Q8_0", "base": "Q8_0", "rules": []}
    assert int(str(long["budget_bytes"])) < int(str(short["budget_bytes"]))
    refused = retort("recipe", "builtin", "--fit", "machine", "--ctx", "16000000")
    assert refused.status == 1
    assert "are free" in refused.stderr


def test_a_measurement_is_printed_and_stays_with_the_model(tmp_path: Path) -> None:
    model = Path(shutil.copy(builtin_model(), tmp_path / "copy.gguf"))
    words = ("measure", str(model), "--against", "builtin", "--text", TEXT, "--chunks", "2")
    card = last_object(retort(*words, "--json").stdout)
    divergence = card["divergence"]
    assert isinstance(divergence, dict)
    assert divergence["largest"] == 0
    assert float(str(card["prompt_tps"])) > float(str(card["decode_tps"])) > 0
    assert last_object(retort("inspect", str(model), "--json").stdout)["quality"] == [card]
    assert float(str(card["peak_memory_bytes"])) > 2**20
    assert 0.2 < float(str(card["draft_acceptance"])) < 1
    assert "same first choice  100.00 %" in retort("inspect", str(model)).stdout
    exported = tmp_path / "card.svg"
    assert "KL divergence" in retort(*words, "--export", str(exported)).stdout
    assert "KL divergence" in exported.read_text(encoding="utf-8")


def test_the_source_is_refused_as_target_under_every_name(tmp_path: Path) -> None:
    source = Path(shutil.copy(builtin_model(), tmp_path / "model.gguf"))
    (tmp_path / "hard.gguf").hardlink_to(source)
    (tmp_path / "soft.gguf").symlink_to(source)
    for name in ("model.gguf", "hard.gguf", "soft.gguf"):
        for more in ([], ["--dry-run"]):
            refused = retort("quantize", str(source), str(tmp_path / name), "--type", "Q4_0", *more)
            assert refused.status == 1
            assert "is the source itself" in refused.stderr
    assert source.read_bytes() == builtin_model().read_bytes()


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["quantize", "nothing", "out.gguf", "--type", "Q4_0"], 1, "no model at 'nothing'"),
        (["quantize", "builtin", "/nowhere/out.gguf", "--type", "Q4_0"], 1, "no such folder"),
        (["quantize", "builtin", "/", "--type", "Q4_0"], 1, "is a folder"),
        (["quantize", "builtin", "out.gguf", "--type", "Q9"], 1, "'Q9' is no quantization type"),
        (["quantize", "builtin", "out.gguf", "--recipe", "none.json"], 1, "cannot be read"),
        (["quantize", "builtin", "out.gguf", "--size", "much"], 2, "'much' is no size"),
        (["quantize", "builtin", "out.gguf", "--type", "Q4_0", "--threads", "-1"], 2, "--threads"),
        (["recipe", "builtin", "--size", "3MB", "--chunks", "0"], 2, "--chunks"),
        (["measure", "builtin", "--text", "none.txt"], 1, "cannot be read"),
        (["measure", "builtin", "--text", TEXT, "--chunks", "0"], 2, "--chunks"),
        (["measure", "builtin", "--text", TEXT, "--ctx", "2"], 1, "too short to score"),
        (["convert", "builtin", "out.gguf"], 1, "is no folder of safetensors"),
    ],
)
def test_a_failure_is_one_line_on_stderr(words: list[str], status: int, reason: str) -> None:
    outcome = retort(*words)
    assert (outcome.status, outcome.stdout) == (status, "")
    assert reason in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_checkpoint_becomes_a_file_that_answers_and_can_be_quantized(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the tokenizers library")
    config = DEEPSEEK | {"tie_word_embeddings": True, "n_group": 1, "topk_group": 1}
    folder = write_chat_checkpoint(tmp_path / "Tiny-V3", config)
    converted, small = tmp_path / "tiny.gguf", tmp_path / "small.gguf"
    refused = retort("quantize", str(folder), str(small), "--type", "Q4_0")
    assert refused.status == 1
    assert "convert it to GGUF first" in refused.stderr
    expected = retort("convert", str(folder), str(converted), "--type", "f16", "--json", "--dry-run")
    assert not converted.exists()
    outcome = retort("convert", str(folder), str(converted), "--type", "f16", "--json")
    assert outcome.status == 0, outcome.stderr
    assert last_object(expected.stdout)["size_bytes"] == converted.stat().st_size
    assert last_object(outcome.stdout)["size_bytes"] == converted.stat().st_size
    planned = last_object(
        retort("quantize", str(converted), str(small), "--type", "Q4_0", "--dry-run", "--json").stdout
    )
    assert retort("quantize", str(converted), str(small), "--type", "Q4_0").status == 0
    assert small.stat().st_size == planned["size_bytes"]
    assert retort("run", str(small), "x", "--raw", "--max-tokens", "2").status == 0
    unknown = retort("convert", str(folder), str(small), "--type", "Q3_K")
    assert unknown.status == 1
    assert "not written by the converter" in unknown.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Ctrl+C for one process")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    text = tmp_path / "long.txt"
    text.write_text(30 * Path(TEXT).read_text(encoding="utf-8"), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "measure", "builtin", "--against", "builtin", "--text", str(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    files = tmp_path / "retort-home" / "cache" / "jobs"
    while process.poll() is None and not list(files.glob("*/scores")):
        pass
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (1, b"")
    assert not list(files.iterdir())

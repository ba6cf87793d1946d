"""Sizes, recipes, targets and plans in words; what is wrong with them before anything is begun."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from app.workbench.job_errors import describe_job_error
from app.workbench.job_words import duration_words, end_words, job_title, progress_words, result_words
from app.workbench.pace import Pace
from app.workbench.plan_summary import fallback_lines, headline, plan_parts, planned_groups, source_line
from app.workbench.recipe_text import recipe_fault, recipe_name, recipe_of_type
from app.workbench.sizes import parse_size, size_in_words, size_to_edit
from app.workbench.targets import suggest_target, target_fault
from app.workbench.texts import bundled_text, keep_prompts
from engine.contract.errors import rebuild_error
from engine.contract.job_messages import JobProgress
from engine.contract.jobs import (
    ConvertJob,
    ConvertResult,
    ImportanceResult,
    JobRecord,
    MeasureJob,
    PlannedTensor,
    PlanResult,
    QuantizeJob,
    QuantizeResult,
)
from engine.contract.paths import Paths, builtin_model


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("8 GiB", 8 * 2**30), ("7,5gib", int(7.5 * 2**30)), ("500MB", 500_000_000), ("1.5 g", 3 * 2**29),
        ("4096", 4096), ("0", None), ("", None), ("much", None), ("5 parsecs", None), ("-3 GB", None),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, size_bytes: int | None) -> None:
    assert parse_size(text) == size_bytes


def test_a_size_that_is_offered_can_be_read_again() -> None:
    assert parse_size(size_to_edit(5 * 2**30)) == 5 * 2**30
    assert size_in_words(5 * 2**30) == "5.00 GiB"
    assert size_in_words(3 * 2**20) == "3.0 MiB"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("{", "Line 1, column 2"),
        ("[]", "object in braces"),
        ("{}", "“base” is missing"),
        ('{"base": "Q8_0", "rules": {}}', "“rules” is no list"),
        ('{"base": "Q8_0", "rules": [1]}', "Rule 1"),
        ('{"base": "Q8_0", "rules": [{"part": "norm", "type": "F32"}, {"part": "norm"}]}', "Rule 2: “type”"),
        ('{"base": "Q8_0", "rules": [{"type": "Q8_0"}]}', "“part” or “tensors”"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said_where_it_is(recipe: str, words: str) -> None:
    assert words in recipe_fault(recipe)


def test_a_type_alone_is_a_sound_recipe_with_its_name() -> None:
    assert recipe_fault(recipe_of_type("Q4_K_M")) == ""
    assert recipe_name(recipe_of_type("Q4_K_M")) == "Q4_K_M"
    assert recipe_name(json.dumps({"name": "Mine", "base": "Q8_0"})) == "Mine"
    assert recipe_name("{") == recipe_name("[]") == "?"


def test_a_result_is_named_after_its_source_and_type(paths: Paths) -> None:
    source = Path("/m/publisher/Model-F16.gguf")
    assert suggest_target(source, "Q4_K_M", paths) == source.with_name("Model-Q4_K_M.gguf")
    assert suggest_target(source, "my recipe!", paths) == source.with_name("Model-my-recipe.gguf")
    shards = Path("/m/Big-Q8_0-00001-of-00003.gguf")
    assert suggest_target(shards, "Q4_0", paths) == Path("/m/Big-Q4_0.gguf")
    assert paths.models in suggest_target(builtin_model(), "Q4_0", paths).parents


def test_the_source_is_refused_under_every_name(tmp_path: Path) -> None:
    source = tmp_path / "Model.gguf"
    source.write_bytes(b"x")
    hard, soft = tmp_path / "hard.gguf", tmp_path / "soft.gguf"
    os.link(source, hard)
    soft.symlink_to(source)
    for name in (source, hard, soft, tmp_path / "MODEL.GGUF", tmp_path / "." / "Model.gguf"):
        assert "never written to" in target_fault(str(name), (str(source),)), name
    os.link(source, tmp_path / "other.gguf.part")
    assert "never written to" in target_fault(str(tmp_path / "other.gguf"), (str(source),))
    assert target_fault(str(tmp_path / "new.gguf"), (str(source), "")) == ""
    assert target_fault(str(tmp_path / "new folder" / "new.gguf"), (str(source),)) == ""
    assert "folder" in target_fault(str(tmp_path), (str(source),))
    assert "whole path" in target_fault("new.gguf", (str(source),))
    assert target_fault("  ", ()) != ""


def test_prompts_are_kept_once_and_the_bundled_text_is_there(paths: Paths) -> None:
    path = keep_prompts("Why?\n", paths)
    assert path.read_text(encoding="utf-8") == "Why?\n"
    assert keep_prompts("  Why?", paths) == path
    assert keep_prompts("How?", paths) != path
    assert len(bundled_text().read_text(encoding="utf-8")) > 50_000


def tensor(name: str, part: str, row: int, types: str, size: int) -> PlannedTensor:
    """A tensor of ten rows; `types` are the wanted one and the one that it gets."""
    wanted, new = types.split()
    return PlannedTensor(
        name=name,
        part=part,
        shape=(row, 10),
        old_type="F16",
        new_type=new,
        wanted_type=wanted,
        size_bytes=size,
    )


PLAN = PlanResult(
    tensors=(
        tensor("token_embd.weight", "embedding", 512, "Q6_K Q6_K", 100),
        tensor("blk.0.ffn_down_exps.weight", "routed experts", 128, "Q4_K Q5_0", 300),
        tensor("blk.1.ffn_down_exps.weight", "routed experts", 128, "Q4_K Q5_0", 300),
        tensor("blk.1.ffn_up_exps.weight", "routed experts", 512, "Q4_K Q4_K", 50),
        tensor("output.weight", "output", 512, "Q4_K Q6_K", 40),
    ),
    size_bytes=2000,
    source_bytes=4000,
    bits_per_weight=4.5,
    needs_importance=False,
)


def test_a_plan_tells_parts_and_why_tensors_fall_back() -> None:
    parts = plan_parts(PLAN.tensors)
    assert [part.part for part in parts] == ["routed experts", "embedding", "output"]
    assert (parts[0].num_tensors, parts[0].num_fallen_back, parts[0].new_bytes) == (3, 2, 650)
    assert parts[0].new_types == "2 × Q5_0, 1 × Q4_K"
    assert headline(PLAN) == "2.0 KiB (2,000 bytes), 50 % of the source, 4.50 bits per weight"
    rows, kept = fallback_lines(PLAN)
    assert rows.startswith("Q5_0 in place of Q4_K for 2 tensors (ffn_down_exps): Q4_K packs 256")
    assert "rows of 128" in rows
    assert kept == "Q6_K in place of Q4_K for 1 tensor (output): llama.cpp wants it so."


def test_a_source_that_is_quantized_already_is_said() -> None:
    assert source_line(PLAN).startswith("The source itself has only 1.8 bits per weight")
    whole = msgspec.structs.replace(PLAN, source_bytes=sum(t.shape[0] * 10 for t in PLAN.tensors))
    assert source_line(whole) == ""


def test_a_plan_can_be_shown_as_a_map() -> None:
    groups = planned_groups(PLAN)
    assert sum(group.size_bytes for group in groups) == 790
    assert sum(group.parameters for group in groups) == sum(t.shape[0] * 10 for t in PLAN.tensors)
    assert [(g.kind, g.num_tensors) for g in groups if g.part == "routed experts"] == [
        ("ffn_down_exps", 2), ("ffn_up_exps", 1),
    ]  # fmt: skip


QUANTIZE = QuantizeJob(source=str(builtin_model()), target="/m/b.gguf", recipe=recipe_of_type("Q4_0"))


def test_jobs_are_called_by_what_they_do() -> None:
    assert job_title(QUANTIZE) == "Quantize Built-in model to Q4_0"
    measure = MeasureJob(model="/m/b.gguf", against="builtin", text="t")
    assert job_title(measure) == "Measure b against Built-in model"
    assert (
        job_title(ConvertJob(source="/m/folder", target="/x", weight_type="BF16")) == "Convert folder to BF16"
    )


def test_progress_tells_step_count_speed_and_what_is_left() -> None:
    pace = Pace()
    for second in range(5):
        progress = JobProgress(
            request_id="a", fraction=0.5, words="quantizing", done=3 * second, total=99, remaining_s=200
        )
        pace.note(progress, float(second))
    said = progress_words(progress, pace, QUANTIZE)
    assert said == "Quantizing tensor 12 of 99 · 3.0 tensors/s · 3 min left"
    measure = MeasureJob(model="m", text="t", chunk_length=512)
    scoring = JobProgress(request_id="a", fraction=0.1, words="scoring", done=4, total=40)
    assert progress_words(scoring, pace, measure).startswith("Scoring chunk 4 of 40")
    pace.note(scoring, 6.0)
    assert pace.per_s is None  # of another step nothing is known yet
    assert progress_words(None, pace, measure) == "Starting"


@pytest.mark.parametrize(("seconds", "words"), [(3, "3 s"), (170, "3 min"), (7800, "2 h 10 min")])
def test_times_to_wait(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_the_end_of_a_job_says_what_came_of_it_and_what_to_do() -> None:
    result = QuantizeResult(
        target="/m/b.gguf", size_bytes=2**20, source_bytes=2**21, bits_per_weight=4.0, tensor_types={},
        fallen_back=("blk.0.attn_k.weight", "blk.1.attn_k.weight"), seconds=2,
    )  # fmt: skip
    said = result_words(result)
    assert said.startswith("b.gguf: 1.0 MiB, 50 % of the source, in 2 s.")
    assert said.endswith("2 tensors got another type than was asked for: attn_k.")
    converted = ConvertResult(target="/m/b.gguf", size_bytes=2**20, seconds=2, notes=("No MTP.",))
    assert result_words(converted) == "b.gguf: 1.0 MiB, in 2 s. No MTP."
    matrix = ImportanceResult(target="/x", num_chunks=1, unreached_experts={"a": 2}, seconds=1)
    assert "2 experts were reached by no token" in result_words(matrix)
    record = JobRecord(request_id="a", job=QUANTIZE, state="cancelled", started_at=1, ended_at=2)
    assert "Nothing of it is left" in end_words(record)
    failed = JobRecord(
        request_id="a", job=QUANTIZE, state="failed", started_at=1, ended_at=2, error_code="storage_failed",
        error_details={"path": "/m/b.gguf", "reason": "the disk is full"},
    )  # fmt: skip
    assert end_words(failed).startswith("/m/b.gguf cannot be written: the disk is full. See that the disk")


def test_an_error_of_a_job_does_not_speak_of_messages() -> None:
    for code in ("worker_died", "host_died", "invalid_request"):
        said = describe_job_error(rebuild_error(code, "the rows are odd", {}))
        assert "message" not in said
        assert ("the rows are odd" in said) == (code == "invalid_request")
    assert "cannot be written" in describe_job_error(rebuild_error("storage_failed", "full", {}))

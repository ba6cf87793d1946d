"""Quantizing: the plan is exact, the result is whole or absent, and the source is never touched."""

import hashlib
import os
from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest, ModelDamaged
from engine.library.gguf import read_header
from engine.quantization.file_types import FILE_TYPES, TENSOR_TYPE_NUMBERS
from engine.quantization.quantize import plan, quantize
from engine.quantization.recipe import Recipe, Rule
from tests.support.builtin_models import BUILTIN_Q8_0
from tests.support.tiny_model import write_tiny_model

pytestmark = pytest.mark.llama

NO_FALLBACK = "Q1_0"  # the one type that llama.cpp replaces by no other where a row does not take it
WITHOUT_IMPORTANCE = [
    name
    for name in FILE_TYPES
    if name != NO_FALLBACK and not name.startswith(("IQ1", "IQ2", "IQ3_X", "Q2_K_S"))
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model in 32 bits; not all of its rows are divisible by 256."""
    path = tmp_path_factory.mktemp("source") / "f32.gguf"
    quantize(BUILTIN_Q8_0, path, Recipe(base="F32"))
    return path


@pytest.mark.parametrize("base", WITHOUT_IMPORTANCE)
def test_the_plan_is_what_is_written(base: str, source: Path, tmp_path: Path) -> None:
    planned = plan(source, Recipe(base=base))
    written = quantize(source, tmp_path / "out.gguf", Recipe(base=base))
    assert {t.name: t.new_type for t in planned.tensors} == {t.name: t.type.name for t in written.tensors}
    assert planned.size_bytes == (tmp_path / "out.gguf").stat().st_size
    assert not planned.needs_importance


def test_a_source_in_several_parts_becomes_one_file_of_the_planned_size(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    source = write_tiny_model(parts / "tiny.gguf", tensors_per_file=4)
    whole = write_tiny_model(tmp_path / "tiny.gguf")
    planned = plan(source, Recipe(base="Q4_0"))
    written = quantize(source, tmp_path / "out.gguf", Recipe(base="Q4_0"))
    assert len(list(parts.iterdir())) > 1
    assert planned.size_bytes == (tmp_path / "out.gguf").stat().st_size
    assert planned.size_bytes == plan(whole, Recipe(base="Q4_0")).size_bytes
    assert {t.name: t.new_type for t in planned.tensors} == {t.name: t.type.name for t in written.tensors}


def test_rows_that_a_type_does_not_divide_fall_back_and_the_plan_says_so(tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "tiny.gguf")
    planned = plan(tiny, Recipe(base="Q2_K"))
    assert planned.fallen_back
    assert {(t.wanted_type, t.new_type) for t in planned.fallen_back} >= {("Q2_K", "Q4_0")}
    quantize(tiny, tmp_path / "out.gguf", Recipe(base="Q2_K"))
    assert planned.size_bytes == (tmp_path / "out.gguf").stat().st_size
    assert planned.size_bytes == plan(tiny, Recipe(base="Q4_0")).size_bytes


def test_a_type_that_the_rows_do_not_take_is_refused(source: Path) -> None:
    with pytest.raises(InvalidRequest, match="rows"):
        plan(source, Recipe(base=NO_FALLBACK))


def test_a_rule_overrules_the_mixture(source: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        base="Q4_K_M", rules=(Rule(part="output", type="Q8_0"), Rule(part="embedding", type="F16"))
    )
    written = quantize(source, tmp_path / "out.gguf", recipe)
    types = {t.name: t.type.name for t in written.tensors}
    assert types["token_embd.weight"] == "F16"
    assert plan(source, recipe).size_bytes == (tmp_path / "out.gguf").stat().st_size


def test_the_need_of_an_importance_matrix_is_announced(source: Path, tmp_path: Path) -> None:
    assert plan(source, Recipe(base="IQ2_XXS")).needs_importance
    with pytest.raises(InvalidRequest, match="importance matrix"):
        quantize(source, tmp_path / "out.gguf", Recipe(base="IQ2_XXS"))
    assert not list(tmp_path.iterdir())


def test_progress_counts_every_tensor(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    header = quantize(
        source, tmp_path / "out.gguf", Recipe(base="Q8_0"), progress=lambda *step: seen.append(step)
    )
    count = len(header.tensors)
    assert seen == [(done, count) for done in range(count + 1)]


@pytest.mark.parametrize("link", ["same", "hard", "symbolic", "part"])
def test_the_source_is_never_the_target(link: str, tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.gguf")
    digest = hashlib.sha256(source.read_bytes()).digest()
    target = source if link == "same" else tmp_path / "other.gguf"
    if link == "hard":
        os.link(source, target)
    elif link == "symbolic":
        target.symlink_to(source)
    elif link == "part":
        os.link(source, tmp_path / "other.gguf.part")
    with pytest.raises(InvalidRequest, match="the source itself"):
        quantize(source, target, Recipe(base="Q8_0"))
    assert hashlib.sha256(source.read_bytes()).digest() == digest


def test_a_damaged_source_leaves_nothing_behind(tmp_path: Path) -> None:
    damaged = write_tiny_model(tmp_path / "tiny.gguf")
    damaged.write_bytes(damaged.read_bytes()[:-4000])
    with pytest.raises(ModelDamaged):
        quantize(damaged, tmp_path / "out.gguf", Recipe(base="Q8_0"))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


def test_our_table_of_types_is_that_of_the_library() -> None:
    import ctypes  # noqa: PLC0415

    from engine.backends.llama.native import load_native  # noqa: PLC0415
    from engine.library.gguf_types import TENSOR_TYPES  # noqa: PLC0415

    ggml = load_native().library._lib
    ggml.ggml_blck_size.restype = ctypes.c_int64
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_type_name.restype = ctypes.c_char_p
    for name, number in TENSOR_TYPE_NUMBERS.items():
        kind = TENSOR_TYPES[number]
        found = (ggml.ggml_type_name(number).decode().upper(), ggml.ggml_blck_size(number))
        assert found == (name, kind.block_values)
        assert ggml.ggml_type_size(number) == kind.block_bytes


def test_the_source_can_be_read_while_it_is_quantized(source: Path, tmp_path: Path) -> None:
    before = source.stat()
    quantize(source, tmp_path / "out.gguf", Recipe(base="Q4_0"))
    assert source.stat().st_mtime_ns == before.st_mtime_ns
    assert read_header(source).size_bytes == before.st_size

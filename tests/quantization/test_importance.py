"""The importance matrix: what it sums, what it helps, and its file."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.backends.llama.native import load_native
from engine.contract.errors import ModelDamaged
from engine.contract.paths import resources
from engine.library.gguf import read_header
from engine.library.tensor_parts import Part, parts_of
from engine.quantization.activations import Product, ProductListener, check_layout
from engine.quantization.importance import make_importance_matrix
from engine.quantization.importance_matrix import ImportanceMatrix, read_importance_matrix
from engine.quantization.quality import ReferenceScores, measure_against
from engine.quantization.quantize import quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from tests.support.builtin_models import BUILTIN_Q8_0

pytestmark = pytest.mark.llama

CHUNK = 128
EXPERTS_PER_TOKEN = 2  # of the built-in model


@pytest.fixture(scope="module")
def text() -> str:
    return (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def matrix(text: str) -> ImportanceMatrix:
    return make_importance_matrix(
        BUILTIN_Q8_0, text[:8_000], dataset="notices", chunk_length=CHUNK, max_chunks=16
    )


def test_the_layout_of_tensors_is_the_library_s() -> None:
    check_layout(load_native().library)


def test_every_matrix_sees_every_token(matrix: ImportanceMatrix) -> None:
    parts = parts_of(read_header(BUILTIN_Q8_0).tensors)
    assert set(matrix.sums) <= set(parts)
    assert not [name for name in matrix.sums if parts[name] == Part.MTP]  # it is not run
    for name, counts in matrix.counts.items():
        if parts[name] == Part.EXPERT:
            assert counts.sum() == EXPERTS_PER_TOKEN * 16 * CHUNK
        else:
            assert set(counts) == {16.0 * CHUNK}
    assert {parts[name] for name in matrix.sums} >= {Part.LATENT, Part.EXPERT, Part.SHARED_EXPERT, Part.DENSE}
    assert all((values > 0).any() for values in matrix.values.values())


def test_queries_and_the_latent_are_fed_alike(matrix: ImportanceMatrix) -> None:
    query, latent = matrix.sums["blk.0.attn_q_a.weight"], matrix.sums["blk.0.attn_kv_a_mqa.weight"]
    assert np.array_equal(query, latent)


def test_the_sums_are_the_squares_of_what_goes_in(text: str) -> None:
    heard: list[Product] = []
    listener = ProductListener(load_native().library, heard.append)
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK, listener=listener) as model:
        model.read(model.chunks_of(text)[0])
    one = make_importance_matrix(BUILTIN_Q8_0, text, dataset="", chunk_length=CHUNK, max_chunks=1)
    for product in heard:
        for number in range(product.num_matrices):
            inputs = product.inputs[product.matrices == number].astype(np.float64)
            assert np.allclose(one.sums[product.name][number], (inputs**2).sum(axis=0), rtol=1e-5)


def test_experts_are_counted_one_by_one() -> None:
    inputs = np.array([[1, 0], [2, 0], [0, 3]], np.float32)
    product = Product("w", 3, inputs, np.array([0, 0, 2]))
    from engine.quantization.importance import _Sums  # noqa: PLC0415

    found = _Sums()
    found.add(product)
    assert found.sums["w"].tolist() == [[5, 0], [0, 0], [0, 9]]
    assert found.counts["w"].tolist() == [2, 0, 1]


def test_an_expert_without_tokens_counts_all_inputs_alike() -> None:
    matrix = ImportanceMatrix(
        sums={"w": np.array([[8, 2], [0, 0]], np.float32)},
        counts={"w": np.array([2, 0], np.float32)},
        num_chunks=1,
        chunk_length=2,
        dataset="",
    )
    assert matrix.values["w"].tolist() == [[4, 1], [1, 1]]
    assert matrix.unreached_experts == {"w": 1}


def test_the_file_is_read_back(matrix: ImportanceMatrix, tmp_path: Path) -> None:
    matrix.write(tmp_path / "matrix.gguf")
    found = read_importance_matrix(tmp_path / "matrix.gguf")
    assert (found.num_chunks, found.chunk_length, found.dataset) == (16, CHUNK, "notices")
    assert found.sums.keys() == matrix.sums.keys()
    for name, sums in matrix.sums.items():
        assert np.array_equal(found.sums[name], sums)
        assert np.array_equal(found.counts[name], matrix.counts[name])
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.gguf"]


def test_the_file_is_the_one_that_other_programs_read_and_write(
    matrix: ImportanceMatrix, tmp_path: Path
) -> None:
    matrix.write(tmp_path / "ours.gguf")
    reader = gguf.GGUFReader(tmp_path / "ours.gguf")
    theirs = {tensor.name: tensor.data for tensor in reader.tensors}
    assert reader.fields["general.type"].contents() == "imatrix"
    assert reader.fields["imatrix.datasets"].contents() == ["notices"]
    writer = gguf.GGUFWriter(tmp_path / "theirs.gguf", "")
    writer.add_type("imatrix")
    for name, data in theirs.items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = read_importance_matrix(tmp_path / "theirs.gguf")
    for name, sums in matrix.sums.items():
        assert np.array_equal(found.sums[name], sums)
        assert np.array_equal(theirs[f"{name}.counts"][:, 0], found.counts[name])


@pytest.mark.parametrize("content", [b"", b"GGUF", b"x" * 1000])
def test_what_is_no_importance_matrix_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(content)
    with pytest.raises(ModelDamaged, match="no importance matrix"):
        read_importance_matrix(tmp_path / "no.gguf")


def test_a_model_is_no_importance_matrix() -> None:
    with pytest.raises(ModelDamaged, match="no importance matrix"):
        read_importance_matrix(BUILTIN_Q8_0)


def test_low_bits_lose_less_with_it(matrix: ImportanceMatrix, text: str, tmp_path: Path) -> None:
    with ScoringModel(BUILTIN_Q8_0, chunk_length=CHUNK) as model:
        reference = ReferenceScores(model, text[20_000:24_000], tmp_path / "scores")
    found = []
    for importance in (None, matrix):
        quantize(BUILTIN_Q8_0, tmp_path / "out.gguf", Recipe(base="Q2_K"), importance=importance)
        with ScoringModel(tmp_path / "out.gguf", chunk_length=CHUNK) as model:
            divergence = measure_against(model, reference).divergence
        assert divergence is not None
        found.append(divergence.mean.value)
    assert found[1] < found[0]

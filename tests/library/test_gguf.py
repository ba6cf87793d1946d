import struct
from pathlib import Path

import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contract.errors import ModelDamaged, ModelError, ModelNotFound, ModelUnsupported
from engine.contract.paths import builtin_model
from engine.library.describe import describe_file
from engine.library.gguf import GgufHeader, read_header
from engine.library.gguf_types import TENSOR_TYPES
from tests.support.tiny_model import CONTEXT, VOCABULARY_SIZE, write_tiny_model


def test_the_sizes_of_tensor_types_are_those_of_the_reference_library() -> None:
    of_files = [kind for kind in GGMLQuantizationType if kind.name not in ("Q8_1", "Q8_K")]
    assert {TENSOR_TYPES[int(kind)].name: TENSOR_TYPES[int(kind)][1:] for kind in of_files} == {
        kind.name: GGML_QUANT_SIZES[kind] for kind in of_files
    }


def test_a_header_says_what_was_written(tiny_model: Path) -> None:
    header = read_header(tiny_model)
    assert (header.architecture, header.main_type, header.version) == ("llama", "F32", 3)
    assert header.hyperparameter("context_length") == CONTEXT
    assert header.length("tokenizer.ggml.tokens") == VOCABULARY_SIZE
    assert header.parameters == sum(tensor.num_values for tensor in header.tensors)
    assert header.size_bytes == tiny_model.stat().st_size
    info = describe_file(tiny_model)
    assert (info.name, info.vocabulary_size, info.has_chat_template) == ("Tiny", VOCABULARY_SIZE, False)


def test_the_shipped_model_is_described(builtin: Path) -> None:
    info = describe_file(builtin_model())
    assert info.path == str(builtin)
    assert info.parameters > 1_000_000
    assert info.has_chat_template


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelNotFound):
            read_header(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04 a zip file", "does not begin like a GGUF file"),
        (b"GGUF", "it ends too early"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 1), "claims 1152921504606846976 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**30), "metadata entries"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**50), "it ends too early"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77), "unknown type 77"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "does not name its architecture"),
    ],
)
def test_a_damaged_header_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelDamaged, match=reason):
        read_header(path)


@pytest.mark.parametrize(
    ("version", "reason"), [(1, "version 1"), (99, "version 99"), (3 << 24, "big-endian")]
)
def test_an_unknown_version_is_unsupported(tmp_path: Path, version: int, reason: str) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", version, 0, 0))
    with pytest.raises(ModelUnsupported, match=reason):
        read_header(path)


@pytest.mark.parametrize("share", [0.999, 0.9, 0.5, 0.1, 0.01])
def test_a_file_cut_short_is_damaged(tmp_path: Path, tiny_model: Path, share: float) -> None:
    path = tmp_path / "cut.gguf"
    whole = tiny_model.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelDamaged, match="ends too early"):
        read_header(path)


def patched(tmp_path: Path, model: Path, key: str, old: int, new: int) -> Path:
    """A copy in which one 32-bit number of the metadata is another."""
    content = model.read_bytes()
    entry = key.encode() + struct.pack("<II", 4, old)
    assert content.count(entry) == 1
    path = tmp_path / "patched.gguf"
    path.write_bytes(content.replace(entry, key.encode() + struct.pack("<II", 4, new)))
    return path


def test_a_layer_count_that_would_abort_llama_cpp_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    path = patched(tmp_path, tiny_model, "llama.block_count", 2, 100_000)
    with pytest.raises(ModelDamaged, match="100000 layers"):
        read_header(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_the_header_gives_anything_but_a_header_or_a_typed_error(
    tmp_path: Path, tiny_model: Path, data: st.DataObject
) -> None:
    content = bytearray(tiny_model.read_bytes())
    header_length = len(content) - sum(tensor.size_bytes for tensor in read_header(tiny_model).tensors)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, header_length - 8))
        content[position : position + 8] = data.draw(
            st.one_of(
                st.binary(min_size=8, max_size=8),
                st.sampled_from([2**31, 2**32, 2**40, 2**63, 2**64 - 1]).map(lambda n: struct.pack("<Q", n)),
            )
        )
    path = tmp_path / "mutant.gguf"
    path.write_bytes(content)
    try:
        assert isinstance(read_header(path), GgufHeader)
    except ModelError as error:
        assert error.message


def test_a_name_of_the_user_s_own_is_shown_as_it_is(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "modèle 漢字.gguf", name="Ünïcode 😀")
    assert describe_file(path).name == "Ünïcode 😀"

from pathlib import Path

import pytest

from engine.contract.errors import ModelDamaged
from engine.library.describe import describe_file
from engine.library.gguf import read_header
from engine.library.shards import model_stem, part_paths
from tests.support.tiny_model import write_tiny_model


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, ...]:
    """A model of 21 tensors in three files."""
    return part_paths(write_tiny_model(tmp_path / "cut.gguf", tensors_per_file=8))


def test_the_names_of_the_other_parts_follow_from_one(tmp_path: Path) -> None:
    names = [path.name for path in part_paths(tmp_path / "m-00002-of-00003.gguf")]
    assert names == ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"]
    for whole in ("m.gguf", "m-0001-of-0002.gguf", "m-00004-of-00003.gguf", "m-00000-of-00002.gguf"):
        assert part_paths(tmp_path / whole) == (tmp_path / whole,)
    assert [model_stem(Path(name)) for name in ("m-00002-of-00003.gguf", "m.v1.gguf")] == ["m", "m.v1"]


def test_a_model_in_parts_is_described_as_one(parts: tuple[Path, ...], tiny_model: Path) -> None:
    whole = describe_file(tiny_model)
    for part in parts:  # whichever of them is named
        info = describe_file(part)
        assert (info.parameters, info.architecture) == (whole.parameters, whole.architecture)
        assert info.size_bytes == sum(path.stat().st_size for path in parts)
    assert read_header(parts[2]).path == parts[0]


def test_a_missing_part_is_named(parts: tuple[Path, ...]) -> None:
    parts[1].unlink()
    with pytest.raises(ModelDamaged, match=f"its part {parts[1].name} is missing"):
        read_header(parts[0])


def test_a_part_under_another_name_is_refused(parts: tuple[Path, ...], tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="one of 3 parts"):
        read_header(parts[1].rename(tmp_path / "alone.gguf"))


def test_parts_in_each_other_s_places_are_refused(parts: tuple[Path, ...]) -> None:
    content = parts[1].read_bytes()
    parts[1].write_bytes(parts[2].read_bytes())
    parts[2].write_bytes(content)
    with pytest.raises(ModelDamaged, match="numbered otherwise"):
        read_header(parts[0])

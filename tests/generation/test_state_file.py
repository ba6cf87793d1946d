"""A kept state is read as it was written, or not at all."""

import random
from pathlib import Path

import pytest

from engine.generation.held import Checkpoint
from engine.generation.state_file import StateFileDamaged, read_state, read_tokens, write_state

TOKENS = list(range(1000, 1300))
STATE = bytes(range(256)) * 40
CHECKPOINTS = [Checkpoint(100, b"first"), Checkpoint(300, b"second" * 9)]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "a.state"
    size = write_state(path, "key", TOKENS, STATE, CHECKPOINTS)
    assert size == path.stat().st_size
    return path


def test_what_was_written_is_read(kept: Path) -> None:
    header, tokens = read_tokens(kept)
    assert header.model_key == "key"
    assert tokens.tolist() == TOKENS
    assert read_state(kept) == (STATE, CHECKPOINTS)
    assert [path.name for path in kept.parent.iterdir()] == ["a.state"]


def test_a_file_that_is_cut_short_anywhere_is_refused(kept: Path) -> None:
    whole = kept.read_bytes()
    for length in [*range(200), *range(200, len(whole), 97), len(whole) - 1]:
        kept.write_bytes(whole[:length])
        with pytest.raises(StateFileDamaged):
            read_state(kept)
        with pytest.raises(StateFileDamaged):
            read_tokens(kept)


def test_a_changed_byte_anywhere_is_noticed(kept: Path) -> None:
    whole, draw = kept.read_bytes(), random.Random(1)
    for place in [*range(150), *draw.sample(range(len(whole)), 200)]:
        damaged = bytearray(whole)
        damaged[place] ^= draw.randint(1, 255)
        kept.write_bytes(damaged)
        with pytest.raises(StateFileDamaged):
            read_state(kept)


def test_what_is_appended_is_noticed(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes() + b"more")
    with pytest.raises(StateFileDamaged, match="bytes instead of"):
        read_tokens(kept)

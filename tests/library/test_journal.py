"""The journal of a download: what counts as there, and what is done with one that does not fit."""

import hashlib
import io
from pathlib import Path

import pytest

from engine.library.content_hash import ContentHash, RunningHash
from engine.library.journal import BLOCK_BYTES, Journal, JournalFile, any_journal, read_journal, sound_blocks

CONTENT = bytes(range(256)) * (5 * BLOCK_BYTES // 512)  # two blocks and a half
GIT_HELLO = "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object of "hello\n"


def noted(content: bytes, *indices: int) -> Journal:
    journal = Journal(size_bytes=len(content), content_hash="h")
    for index in indices:
        start, end = journal.span(index)
        journal.blocks[index] = hashlib.sha256(content[start:end]).hexdigest()
    return journal


def test_a_new_journal_misses_everything() -> None:
    assert list(Journal(size_bytes=len(CONTENT), content_hash="h").missing_runs()) == [(0, 3)]
    assert list(Journal(size_bytes=0, content_hash="h").missing_runs()) == []


def test_missing_blocks_are_told_in_runs() -> None:
    assert list(noted(CONTENT, 1).missing_runs()) == [(0, 1), (2, 3)]


def test_a_block_that_differs_on_the_disk_is_forgotten_and_the_others_are_given() -> None:
    journal = noted(CONTENT, 0, 2)
    damaged = bytearray(CONTENT)
    damaged[3] ^= 1
    assert [start for start, _ in sound_blocks(journal, io.BytesIO(bytes(damaged)))] == [2 * BLOCK_BYTES]
    assert list(journal.missing_runs()) == [(0, 2)]


def test_a_file_that_ends_too_early_has_lost_its_last_block() -> None:
    journal = noted(CONTENT, 0, 1, 2)
    list(sound_blocks(journal, io.BytesIO(CONTENT[:-1])))
    assert list(journal.missing_runs()) == [(2, 3)]


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"size_bytes": "x"}', b"\xff", b"[]", b'{"size_bytes":-1,"content_hash":"h"}']
)
def test_a_journal_that_cannot_be_read_begins_anew(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "j.json").write_bytes(text)
    assert list(read_journal(tmp_path / "j.json", len(CONTENT), "h").missing_runs()) == [(0, 3)]


def test_a_journal_comes_back_and_that_of_another_file_does_not(tmp_path: Path) -> None:
    path = tmp_path / "j.json"
    JournalFile(path, noted(CONTENT, 1)).__exit__(None, None, None)
    assert read_journal(path, len(CONTENT), "h").blocks == noted(CONTENT, 1).blocks
    assert not any(read_journal(path, len(CONTENT), "other").blocks)
    assert not any(read_journal(path, len(CONTENT) + 1, "h").blocks)


def test_notes_are_added_and_half_a_line_is_none(tmp_path: Path) -> None:
    path = tmp_path / "j.json"
    with JournalFile(path, noted(CONTENT, 0)) as notes:
        notes.note_block(1, "b" * 64)
        notes.note_block(0, "")
        notes.note_seam(77)
    whole = path.read_bytes()
    journal = read_journal(path, len(CONTENT), "h")
    assert (journal.blocks, journal.seams) == (["", "b" * 64, ""], [77])
    assert journal.known_bytes == BLOCK_BYTES
    for length in range(len(whole) - 1):  # killed at any byte: never more than was noted
        path.write_bytes(whole[:length])
        found = any_journal(path)
        assert found is None or not found.blocks[2]
    path.write_bytes(whole + b'{"block":99,"sha256":"x"}\n{"seam":-5}\n{"block":2,"sha256":"' + b"c" * 9)
    found = any_journal(path)
    assert found is not None and (found.blocks, found.seams) == (journal.blocks, journal.seams)


def test_a_small_file_s_hash_is_git_s() -> None:
    running = RunningHash(ContentHash("git", GIT_HELLO), 6)
    running.take(0, b"hello\n")
    assert running.is_right


def test_what_is_written_out_of_order_is_read_again_at_the_end() -> None:
    running = RunningHash(ContentHash("git", GIT_HELLO), 6)
    running.take(0, b"HEL")
    running.take(4, b"o\n")
    running.take(0, b"hel")
    assert not running.is_right
    assert list(running.finish(io.BytesIO(b"hello\n")))[-1] == 6
    assert running.is_right


@pytest.mark.parametrize("text", ["../x", "A" * 64, "a" * 63, "a" * 40 + "\n"])
def test_what_is_no_hash_never_becomes_a_file_s_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        ContentHash("sha256", text)

"""Downloads that did not end: what is told of them, and that only what the user means is deleted."""

import os
import time
from pathlib import Path

from engine.library.journal import BLOCK_BYTES, Journal, JournalFile
from engine.library.unfinished import drop_unfinished, list_unfinished, lock_download

DAY_S = 86_400


def begin(folder: Path, stem: str, *, days_old: float = 0.0, noted: bool = True) -> Path:
    """An unfinished file of three blocks, of which one is there."""
    folder.mkdir(exist_ok=True)
    part = folder / f"{stem}.part"
    part.write_bytes(bytes(BLOCK_BYTES + 9))
    if noted:
        journal = Journal(size_bytes=3 * BLOCK_BYTES, content_hash=stem, what=f"acme/big/{stem}.gguf")
        with JournalFile(part.with_suffix(".json"), journal) as notes:
            notes.note_block(0, "a" * 64)
    moment = time.time() - days_old * DAY_S
    os.utime(part, (moment, moment))
    return part


def test_nothing_is_unfinished_where_nothing_began(tmp_path: Path) -> None:
    assert list_unfinished(tmp_path / "none") == ()


def test_what_can_go_on_and_what_is_of_nobody_knows_what(tmp_path: Path) -> None:
    begin(tmp_path, "known", days_old=1)
    begin(tmp_path, "orphan", noted=False)
    orphan, known = list_unfinished(tmp_path)
    assert (known.model, known.arrived_bytes, known.size_bytes) == (
        "acme/big/known.gguf",
        BLOCK_BYTES,
        3 * BLOCK_BYTES,
    )
    assert (orphan.model, orphan.arrived_bytes, orphan.size_bytes) == ("", 0, 0)
    assert orphan.disk_bytes >= BLOCK_BYTES


def test_only_old_ones_are_deleted_where_that_is_asked(tmp_path: Path) -> None:
    old, young = begin(tmp_path, "old", days_old=8), begin(tmp_path, "young", days_old=6)
    files, freed_bytes = drop_unfinished(tmp_path, older_than_days=7)
    assert files == ("old.part",)
    assert freed_bytes >= BLOCK_BYTES
    assert not old.exists() and not old.with_suffix(".json").exists()
    assert young.exists() and young.with_suffix(".json").exists()


def test_named_ones_are_deleted_and_one_under_way_never(tmp_path: Path) -> None:
    begin(tmp_path, "a"), begin(tmp_path, "b")
    with lock_download(tmp_path, "a"):
        assert [(d.file, d.is_active) for d in sorted(list_unfinished(tmp_path), key=lambda d: d.file)] == [
            ("a.part", True),
            ("b.part", False),
        ]
        assert drop_unfinished(tmp_path, ("a.part",))[0] == ()
        assert drop_unfinished(tmp_path, ("../a.part", "b.part"))[0] == ("b.part",)
    assert drop_unfinished(tmp_path)[0] == ("a.part",)

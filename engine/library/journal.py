"""What is known of an unfinished download: which blocks of it are safe on the disk, and their hashes.

The part file `<hash>.part` and its journal `<hash>.json` lie side by side. A block counts only once it was
flushed to the disk and then noted; after a restart every noted block is read and compared, so that bytes that
were lost or damaged since are found and fetched again, and nothing else is.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.library.atomic_file import write_atomically

BLOCK_BYTES = 4 * 2**20
MAX_JOURNAL_BYTES = 64 * 2**20


class Journal(msgspec.Struct, kw_only=True):
    """One file's blocks. Hashes are SHA-256 in hexadecimal; an empty one stands for a missing block."""

    size_bytes: int
    content_hash: str  # of the whole file, as the hub announced it; also its name here
    block_bytes: int = BLOCK_BYTES
    blocks: list[str] = []
    seams: list[int] = []  # offsets at which a connection took over from another one

    def __post_init__(self) -> None:
        """A new journal has no block."""
        if not self.blocks:
            self.blocks = [""] * num_blocks(self.size_bytes, self.block_bytes)

    def span(self, index: int) -> tuple[int, int]:
        """Where a block begins and ends, in bytes."""
        start = index * self.block_bytes
        return start, min(start + self.block_bytes, self.size_bytes)

    def missing_runs(self) -> Iterator[tuple[int, int]]:
        """Runs of blocks that are not there, as first and one behind the last."""
        first = 0
        for index, block in enumerate([*self.blocks, "end"]):
            if block:
                if index > first:
                    yield first, index
                first = index + 1

    def save(self, path: Path) -> None:
        """Write the journal; raises StorageFailed."""
        write_atomically(path, msgspec.json.encode(self))


def num_blocks(size_bytes: int, block_bytes: int = BLOCK_BYTES) -> int:
    """How many blocks a file has."""
    return -(-size_bytes // block_bytes)


def read_journal(path: Path, size_bytes: int, content_hash: str) -> Journal:
    """The journal of a download; a new one where there is none that fits this file."""
    try:
        if path.stat().st_size <= MAX_JOURNAL_BYTES:
            journal = msgspec.json.decode(path.read_bytes(), type=Journal)
            fits = (journal.size_bytes, journal.content_hash) == (size_bytes, content_hash)
            expected = num_blocks(size_bytes)
            if fits and journal.block_bytes == BLOCK_BYTES and len(journal.blocks) == expected:
                return journal
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        pass
    return Journal(size_bytes=size_bytes, content_hash=content_hash)


def sound_blocks(journal: Journal, part: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Read every noted block and forget those that are not on the disk as noted; yields the others' bytes."""
    for index, known in enumerate(journal.blocks):
        if known:
            start, end = journal.span(index)
            part.seek(start)
            data = part.read(end - start)
            if hashlib.sha256(data).hexdigest() == known:
                yield start, data
            else:
                journal.blocks[index] = ""

"""What is known of an unfinished download: which blocks of it were written, and their hashes.

The part file `<hash>.part` and its journal `<hash>.json` lie side by side. A block is noted once it was
written, without waiting for the disk: after a restart every noted block is read and compared, so that bytes
that were lost or damaged since are found and fetched again, and nothing else is. A journal is one line about
the file and then one line per note; the newest note of a block counts, and half a line is none.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from engine.contract.errors import StorageFailed

BLOCK_BYTES = 4 * 2**20
MAX_JOURNAL_BYTES = 256 * 2**20
MAX_FILE_BYTES = 2**43  # 8 TiB: more than any model has


class Journal(msgspec.Struct, kw_only=True):
    """One file's blocks. Hashes are SHA-256 in hexadecimal; an empty one stands for a missing block."""

    size_bytes: int
    content_hash: str  # of the whole file, as the hub announced it; also its name here
    what: str = ""  # repository and path on the hub, for people
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

    @property
    def known_bytes(self) -> int:
        """How much of the file is in noted blocks."""
        spans = (self.span(index) for index, block in enumerate(self.blocks) if block)
        return sum(end - start for start, end in spans)


class JournalHead(msgspec.Struct, frozen=True, kw_only=True):
    """A journal's first line."""

    size_bytes: int
    content_hash: str
    what: str = ""
    block_bytes: int = BLOCK_BYTES


class _Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line: a block, or a seam."""

    block: int = -1
    sha256: str = ""  # empty where the block is forgotten
    seam: int = -1


class JournalFile:
    """A journal on the disk, to which notes are added."""

    def __init__(self, path: Path, journal: Journal) -> None:
        """Write down what the journal holds now; raises StorageFailed."""
        self._path = path
        head = JournalHead(
            size_bytes=journal.size_bytes,
            content_hash=journal.content_hash,
            what=journal.what,
            block_bytes=journal.block_bytes,
        )
        notes = [_Note(block=i, sha256=block) for i, block in enumerate(journal.blocks) if block]
        notes += [_Note(seam=seam) for seam in journal.seams]
        lines = msgspec.json.encode(head) + b"\n" + b"".join(_line(note) for note in notes)
        fresh = path.with_suffix(".json.new")
        try:
            with fresh.open("wb") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise StorageFailed(str(path), error.strerror or str(error)) from error

    def __enter__(self) -> "JournalFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note_block(self, index: int, sha256: str) -> None:
        """A block was written, or with an empty hash is to be fetched again; raises OSError."""
        self._append(_Note(block=index, sha256=sha256))

    def note_seam(self, offset: int) -> None:
        """From here on another connection brings the bytes; raises OSError."""
        self._append(_Note(seam=offset))

    def flush(self) -> None:
        """Make the notes last through a loss of power; raises OSError."""
        os.fsync(self._file.fileno())

    def _append(self, note: _Note) -> None:
        line = _line(note)
        if self._file.write(line) != len(line):  # a note that is lost costs a block
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def num_blocks(size_bytes: int, block_bytes: int = BLOCK_BYTES) -> int:
    """How many blocks a file has."""
    return -(-size_bytes // block_bytes)


def read_journal(path: Path, size_bytes: int, content_hash: str) -> Journal:
    """The journal of a download; a new one where there is none that fits this file."""
    journal = Journal(size_bytes=size_bytes, content_hash=content_hash)
    known = any_journal(path)
    fits = known is not None and (known.size_bytes, known.content_hash) == (size_bytes, content_hash)
    return known if known is not None and fits else journal


def any_journal(path: Path) -> Journal | None:
    """The journal in a file, whichever download it is of; None where there is none."""
    try:
        if path.stat().st_size > MAX_JOURNAL_BYTES:
            return None
        first, *lines = path.read_bytes().split(b"\n")
        head = msgspec.json.decode(first, type=JournalHead)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if head.block_bytes != BLOCK_BYTES or not 0 <= head.size_bytes <= MAX_FILE_BYTES:
        return None
    journal = Journal(size_bytes=head.size_bytes, content_hash=head.content_hash, what=head.what)
    decoder = msgspec.json.Decoder(_Note)
    for line in lines:
        try:
            note = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):  # half a line of a process that was killed
            continue
        if 0 <= note.block < len(journal.blocks):
            journal.blocks[note.block] = note.sha256
        if 0 <= note.seam < head.size_bytes and note.seam not in journal.seams[-1:]:
            journal.seams.append(note.seam)
    return journal


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


def _line(note: _Note) -> bytes:
    return msgspec.json.encode(note) + b"\n"

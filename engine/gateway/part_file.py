"""The unfinished file on the disk: `<hash>.part`, its journal, and both hashes of what is written into it.

Bytes are hashed as they are written, twice: each block for the journal, and the whole.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from engine.contract.errors import StorageFailed
from engine.gateway.background import WorkLine
from engine.library.content_hash import ContentHash, RunningHash
from engine.library.journal import JournalFile, read_journal, sound_blocks

FLUSH_BYTES = 32 * 2**20  # so that little is left to flush at the end, and a loss of power costs little


class PartFile:
    """One file's part, open. For one thread at a time."""

    def __init__(
        self, path: Path, content_hash: ContentHash, size_bytes: int, *, what: str, keep_free_bytes: int
    ) -> None:
        """Open it and read its journal; `what` is said to people. Raises OSError."""
        self._path, self._keep_free_bytes = path, keep_free_bytes
        self.journal_path = path.with_suffix(".json")
        self.journal = read_journal(self.journal_path, size_bytes, content_hash.hexadecimal)
        self.journal.what = what
        self.whole = RunningHash(content_hash, size_bytes)
        self.done_bytes = 0  # of whole blocks, and of the one that is arriving
        self._position = 0  # the next byte
        self._open_bytes = 0  # of the block that the position is in
        self._block_hash = hashlib.sha256()  # of those
        self._unflushed_bytes = 0
        self._notes: JournalFile | None = None  # these two from `check` on
        self._flushing: WorkLine | None = None
        with ExitStack() as opened:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            self._file: BinaryIO = opened.enter_context(os.fdopen(handle, "r+b", buffering=0))
            self._opened = opened.pop_all()

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def check(self) -> Iterator[int]:
        """Read what is there and forget what is not as noted; yields the bytes that are sound so far."""
        for start, data in sound_blocks(self.journal, self._file):
            self.whole.take(start, data)
            self.done_bytes += len(data)
            yield self.done_bytes
        self._notes = self._opened.enter_context(JournalFile(self.journal_path, self.journal))
        self._flushing = self._opened.enter_context(WorkLine("flush", 0))

    def seek(self, start: int) -> None:
        """Go on at the beginning of a block."""
        self._position = start
        self.done_bytes -= self._open_bytes
        self._open_bytes, self._block_hash = 0, hashlib.sha256()
        self._file.seek(start)

    def note_seam(self, offset: int) -> None:
        """From here on another connection brings the bytes."""
        assert self._notes is not None
        self.journal.seams.append(offset)
        self._notes.note_seam(offset)

    def write(self, data: bytes) -> None:
        """Put bytes at the position; whole blocks are noted. Raises OSError, StorageFailed."""
        while data:
            index = self._position // self.journal.block_bytes
            end = self.journal.span(index)[1]
            piece, data = data[: end - self._position], data[end - self._position :]
            _write_all(self._file, piece)
            self.whole.take(self._position, piece)
            self._block_hash.update(piece)
            self._position += len(piece)
            self._open_bytes += len(piece)
            self.done_bytes += len(piece)
            if self._position == end:
                self._end_block(index)

    def forget_blocks(self, blocks: list[int]) -> None:
        """Take blocks for missing, so that they are fetched again; raises OSError."""
        assert self._notes is not None
        for index in blocks:
            start, end = self.journal.span(index)
            self.done_bytes -= end - start
            self.journal.blocks[index] = ""
            self._notes.note_block(index, "")

    def hash_the_rest(self) -> Iterator[int]:
        """Read what the whole hash has not seen; yields the length that is hashed so far."""
        return self.whole.finish(self._file)

    def flush(self) -> None:
        """Make everything last through a loss of power; raises OSError, StorageFailed."""
        assert self._flushing is not None
        self._flushing.join()
        os.fsync(self._file.fileno())

    def _end_block(self, index: int) -> None:
        assert self._notes is not None and self._flushing is not None
        self.journal.blocks[index] = self._block_hash.hexdigest()
        self._notes.note_block(index, self.journal.blocks[index])
        self._unflushed_bytes += self._open_bytes
        self._open_bytes, self._block_hash = 0, hashlib.sha256()
        if self._unflushed_bytes >= FLUSH_BYTES and not self._flushing.is_busy:
            self._unflushed_bytes = 0
            self._flushing.put(self._flush_beside)

    def _flush_beside(self) -> None:
        assert self._notes is not None
        os.fsync(self._file.fileno())
        self._notes.flush()
        if shutil.disk_usage(self._path.parent).free < self._keep_free_bytes // 4:
            raise StorageFailed(str(self._path.parent), "the disk is nearly full; what has arrived is kept")


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write every byte: an unbuffered file may take fewer, where a disk is filling up."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]

"""One file from the hub to the disk: `<hash>.part`, block by block, until its hash is the announced one.

Bytes are hashed as they arrive, twice: each block for the journal, and the whole. What breaks off goes on at
the next byte. When the whole does not agree in the end, `damage` says where to look first.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx2
from msgspec import structs

from engine.contract.errors import DownloadDamaged, StorageFailed
from engine.contract.hub_messages import TransferPhase
from engine.gateway.background import Background
from engine.gateway.control import Control
from engine.gateway.damage import suspects
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience, Tries, TryAgain
from engine.gateway.ranges import FileAddress, open_range
from engine.library.content_hash import RunningHash
from engine.library.journal import Journal, read_journal, sound_blocks

# A kill loses what is being flushed, what waits for that and the open block: 16 MiB at most.
FLUSH_BYTES = 4 * 2**20
MAX_WAITING_BYTES = 8 * 2**20  # behind a disk that is slower than the network
FLUSH_S = 1.0

Report = Callable[[TransferPhase, int, str], None]  # phase, bytes that are there, why it waits


class Transfer:
    """One file's way. For one thread."""

    def __init__(
        self,
        address: FileAddress,
        folder: Path,
        client: httpx2.Client,
        *,
        control: Control,
        patience: Patience,
        speed_limit: SpeedLimit,
        report: Report,
    ) -> None:
        """Nothing is read, written or asked for yet; `folder` is that of the unfinished files."""
        file = address.file
        self._address, self._client = address, client
        self._control, self._patience, self._speed_limit = control, patience, speed_limit
        self._report = report
        self.part = folder / f"{file.content_hash.file_stem}.part"
        self.journal_path = self.part.with_suffix(".json")
        self._journal = Journal(size_bytes=file.size_bytes, content_hash=file.content_hash.hexadecimal)
        self._whole = RunningHash(file.content_hash, file.size_bytes)
        self._tries = Tries(patience, address.host, self._wait)
        self._position = 0  # the next byte
        self._block_hash = hashlib.sha256()  # of the block that the position is in
        self._banked_bytes = 0  # of whole blocks
        self._open_bytes = 0  # of the block that the position is in
        self._num_unsaved = 0  # bytes of whole blocks that are not noted yet
        self._saved_at = time.monotonic()
        self._flushing = Background()
        self.fetched_bytes = 0

    def run(self) -> None:
        """Bring the whole file into `part`, flushed to the disk and of the right hash.

        Raises NetworkError, StorageFailed, Cancelled, Interrupted; what has arrived is of use the next time.
        """
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "r+b", buffering=0) as part:
                self._check_what_is_there(part)
                self._check_space()
                try:
                    self._fetch_missing(part)
                    self._verify(part)
                finally:
                    self._save(part)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            reason = "the disk is full" if full else error.strerror or str(error)
            raise StorageFailed(str(self.part), reason) from error

    def forget(self) -> None:
        """Delete what has arrived."""
        self.part.unlink(missing_ok=True)
        self.journal_path.unlink(missing_ok=True)

    def _check_what_is_there(self, part: BinaryIO) -> None:
        file = self._address.file
        self._journal = read_journal(self.journal_path, file.size_bytes, file.content_hash.hexadecimal)
        for start, data in sound_blocks(self._journal, part):
            self._control.check()
            self._whole.take(start, data)
            self._banked_bytes += len(data)
            self._report("checking", self._banked_bytes, "")

    def _check_space(self) -> None:
        needed = self._journal.size_bytes - self._banked_bytes
        free = shutil.disk_usage(self.part.parent).free
        if needed and free < needed + self._patience.keep_free_bytes:
            raise StorageFailed(
                str(self.part.parent),
                f"{needed / 2**30:.1f} GiB are missing, {free / 2**30:.1f} GiB are free and "
                f"{self._patience.keep_free_bytes / 2**30:.1f} GiB are kept free",
            )

    def _fetch_missing(self, part: BinaryIO) -> None:
        for first, behind in list(self._journal.missing_runs()):
            start, end = self._journal.span(first)[0], self._journal.span(behind - 1)[1]
            self._position, self._open_bytes, self._block_hash = start, 0, hashlib.sha256()
            while self._position < end:
                self._control.check()
                if self._control.is_paused:
                    self._rest(part)
                before = self.fetched_bytes
                if self._position and self._position not in self._journal.seams:
                    self._journal.seams.append(self._position)
                try:
                    self._receive(part, end)
                except (TryAgain, httpx2.StreamError) as error:
                    if self.fetched_bytes - before >= self._patience.progress_bytes:
                        self._tries.progressed()
                    if not self._control.is_halted:  # else it was us who cut the connection
                        self._tries.failed(error if isinstance(error, TryAgain) else TryAgain(str(error)))
        self._save(part)

    def _receive(self, part: BinaryIO, end: int) -> None:
        """Write what one connection brings, from the position on; raises TryAgain where it ends too early."""
        window_start, window_bytes = time.monotonic(), 0
        with open_range(self._client, self._address, self._position, end) as (begins_at, pieces):
            offset = begins_at
            for piece in pieces:
                if self._control.is_halted:
                    return
                fresh = piece[max(0, self._position - offset) :][: end - self._position]
                offset += len(piece)
                self.fetched_bytes += len(piece)
                self._write(part, fresh)
                self._speed_limit.take(len(piece), self._control.wait)
                if self._position >= end:
                    return
                window_bytes += len(piece)
                span_s = time.monotonic() - window_start
                if span_s >= self._patience.stall_window_s:
                    if window_bytes < span_s * self._patience.least_bytes_per_s:
                        raise TryAgain(f"only {window_bytes / span_s:.0f} bytes come per second")
                    window_start, window_bytes = time.monotonic(), 0
        if not self._control.is_halted:
            raise TryAgain(f"the connection ended {end - self._position} bytes too early")

    def _write(self, part: BinaryIO, data: bytes) -> None:
        """Put bytes at the position; whole blocks are noted."""
        block_bytes = self._journal.block_bytes
        while data:
            index = self._position // block_bytes
            start, end = self._journal.span(index)
            piece, data = data[: end - self._position], data[end - self._position :]
            part.seek(self._position)
            _write_all(part, piece)
            self._whole.take(self._position, piece)
            self._block_hash.update(piece)
            self._position += len(piece)
            self._open_bytes += len(piece)
            if self._position == end:
                self._journal.blocks[index] = self._block_hash.hexdigest()
                self._banked_bytes += self._open_bytes
                self._open_bytes, self._block_hash = 0, hashlib.sha256()
                self._num_unsaved += end - start
                is_due = self._num_unsaved >= FLUSH_BYTES or time.monotonic() - self._saved_at > FLUSH_S
                if (is_due and not self._flushing.is_busy) or self._num_unsaved >= MAX_WAITING_BYTES:
                    self._begin_save(part)
            self._report("fetching", self._done_bytes(), "")

    def _begin_save(self, part: BinaryIO) -> None:
        """Make what has arrived last, then note it, never the other way round, while more arrives."""
        journal = structs.replace(self._journal, blocks=list(self._journal.blocks))
        handle = part.fileno()

        def flush_and_note() -> None:
            os.fsync(handle)
            journal.save(self.journal_path)
            if shutil.disk_usage(self.part.parent).free < self._patience.keep_free_bytes // 4:
                raise StorageFailed(
                    str(self.part.parent), "the disk is nearly full; what has arrived is kept"
                )

        self._flushing.start(flush_and_note)
        self._num_unsaved, self._saved_at = 0, time.monotonic()

    def _save(self, part: BinaryIO) -> None:
        """The same for all that has arrived, and wait for it."""
        if self._num_unsaved:
            self._begin_save(part)
        self._flushing.join()

    def _verify(self, part: BinaryIO) -> None:
        """Compare the whole; fetch again what may be damaged, all together no more than the file once."""
        if self._is_right(part):
            return
        found = self._whole.hexadecimal
        for blocks in suspects(self._journal):
            before = {index: self._journal.blocks[index] for index in blocks}
            for index in blocks:
                start, end = self._journal.span(index)
                self._banked_bytes -= end - start
                self._journal.blocks[index] = ""
            self._fetch_missing(part)
            has_changed = any(self._journal.blocks[index] != known for index, known in before.items())
            if has_changed and self._is_right(part):
                return
        self._num_unsaved = 0  # of what is deleted nothing is to be noted
        self.forget()
        raise DownloadDamaged(self._address.file.path, self._address.file.content_hash.hexadecimal, found)

    def _is_right(self, part: BinaryIO) -> bool:
        for hashed_bytes in self._whole.finish(part):
            self._control.check()
            self._report("verifying", hashed_bytes, "")
        if not self._whole.is_right:
            return False
        os.fsync(part.fileno())
        return True

    def _rest(self, part: BinaryIO) -> None:
        self._save(part)
        self._report("paused", self._done_bytes(), "")
        self._control.wait_while_paused()

    def _wait(self, seconds: float, reason: str) -> None:
        self._report("waiting", self._done_bytes(), reason)
        self._control.wait(seconds)

    def _done_bytes(self) -> int:
        """Bytes of whole blocks, and of the one that is arriving."""
        return self._banked_bytes + self._open_bytes


def _write_all(part: BinaryIO, data: bytes) -> None:
    """Write every byte: an unbuffered file may take fewer, where a disk is filling up."""
    view = memoryview(data)
    while view:
        view = view[part.write(view) :]

"""One file from the hub to the disk: what breaks off goes on at the next byte, until its hash is right.

This thread receives; another one writes and hashes what has arrived. When the whole does not agree in the
end, `damage` says where to look first.
"""

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2

from engine.contract.errors import DownloadDamaged, StorageFailed
from engine.contract.hub_messages import TransferPhase
from engine.gateway.background import WorkLine
from engine.gateway.control import Control
from engine.gateway.damage import suspects
from engine.gateway.pace import SpeedLimit
from engine.gateway.part_file import PartFile
from engine.gateway.patience import Patience, Tries, TryAgain
from engine.gateway.ranges import MAX_RANGE_BYTES, FileAddress, OnlyByXet, XetFile, open_range
from engine.gateway.xet import Xet
from engine.library.unfinished import delete_part

# A kill loses what waits here, the open block and what the system had received: 16 MiB at most.
MAX_WAITING_BYTES = 4 * 2**20
BATCH_BYTES = 2**18  # that are handed to the writing thread together

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
        xet: Xet,
    ) -> None:
        """Nothing is read, written or asked for yet; `folder` is that of the unfinished files."""
        self._address, self._client = address, client
        self._control, self._patience, self._speed_limit = control, patience, speed_limit
        self._report, self._xet = report, xet
        self._xet_file: XetFile | None = None  # once plain ranges were refused
        self.part = folder / f"{address.file.content_hash.file_stem}.part"
        self._tries = Tries(patience, address.host, self._wait)
        self._position = 0  # the next byte to receive
        self._done_bytes: Callable[[], int] = lambda: 0
        self.fetched_bytes = 0

    def run(self) -> None:
        """Bring the whole file into `part`, flushed to the disk and of the right hash.

        Raises NetworkError, StorageFailed, Cancelled, Interrupted; what has arrived is of use the next time.
        """
        try:
            with self._open_part() as part, WorkLine("writing", MAX_WAITING_BYTES) as line:
                self._done_bytes = lambda: part.done_bytes
                for sound_bytes in part.check():
                    self._control.check()
                    self._report("checking", sound_bytes, "")
                self._check_space(part)
                self._fetch_missing(part, line)
                damaged = self._find_damage(part, line)
            if damaged is not None:
                self.forget()
                raise damaged
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            reason = "the disk is full" if full else error.strerror or str(error)
            raise StorageFailed(str(self.part), reason) from error

    def forget(self) -> None:
        """Delete what has arrived."""
        delete_part(self.part)

    def _open_part(self) -> PartFile:
        file = self._address.file
        return PartFile(
            self.part,
            file.content_hash,
            file.size_bytes,
            what=f"{self._address.repository}/{file.path}",
            keep_free_bytes=self._patience.keep_free_bytes,
        )

    def _check_space(self, part: PartFile) -> None:
        needed = self._address.file.size_bytes - part.done_bytes
        free = shutil.disk_usage(self.part.parent).free
        if needed and free < needed + self._patience.keep_free_bytes:
            raise StorageFailed(
                str(self.part.parent),
                f"{needed >> 20:,} MiB are missing, {free >> 20:,} MiB are free and "
                f"{self._patience.keep_free_bytes >> 20:,} MiB are kept free",
            )

    def _fetch_missing(self, part: PartFile, line: WorkLine) -> None:
        """Fetch every block that is not there, and wait until it is written."""
        for first, behind in list(part.journal.missing_runs()):
            start, end = part.journal.span(first)[0], part.journal.span(behind - 1)[1]
            self._position = start
            line.put(partial(part.seek, start))
            while self._position < end:
                self._control.check()
                if self._control.is_paused:
                    self._rest(part, line)
                before = self.fetched_bytes
                if self._position:
                    line.put(partial(part.note_seam, self._position))
                try:
                    self._receive(part, line, min(end, self._position + MAX_RANGE_BYTES))
                except OnlyByXet as answer:
                    self._xet_file = answer.file
                except (TryAgain, httpx2.StreamError) as error:
                    if self.fetched_bytes - before >= self._patience.progress_bytes:
                        self._tries.progressed()
                    if not self._control.is_halted:  # else it was us who cut the connection
                        self._tries.failed(error if isinstance(error, TryAgain) else TryAgain(str(error)))
        line.join()

    def _receive(self, part: PartFile, line: WorkLine, end: int) -> None:
        """Hand on what one connection brings from the position on; raises TryAgain where it ends early."""
        window_start, window_bytes = time.monotonic(), 0
        batch = _Batch(part, line)
        try:
            with self._open(end) as (begins_at, pieces):
                offset = begins_at
                for piece in pieces:
                    if self._control.is_halted:
                        return
                    fresh = piece
                    if offset < self._position or offset + len(piece) > end:
                        fresh = piece[max(0, self._position - offset) :][: end - self._position]
                    offset += len(piece)
                    self.fetched_bytes += len(piece)
                    self._position += len(fresh)
                    batch.add(fresh)
                    self._speed_limit.take(len(piece), self._control.wait)
                    self._report("fetching", part.done_bytes, "")
                    if self._position >= end:
                        return
                    window_bytes += len(piece)
                    span_s = time.monotonic() - window_start
                    if span_s >= self._patience.stall_window_s:
                        if window_bytes < span_s * self._patience.least_bytes_per_s:
                            raise TryAgain(f"only {window_bytes / span_s:.0f} bytes come per second")
                        window_start, window_bytes = time.monotonic(), 0
        finally:
            batch.hand_on()
        if not self._control.is_halted:
            raise TryAgain(f"the connection ended {end - self._position} bytes too early")

    @contextmanager
    def _open(self, end: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Where the answer begins, and its bytes from there on."""
        if self._xet_file is None:
            with open_range(self._client, self._address, self._position, end) as found:
                yield found
        else:
            start = self._position
            with self._xet.open(self._client, self._address, self._xet_file, start, end) as pieces:
                yield start, pieces

    def _find_damage(self, part: PartFile, line: WorkLine) -> DownloadDamaged | None:
        """Compare the whole; fetch again what may be damaged, all together no more than the file once."""
        if self._is_right(part):
            return None
        found = part.whole.hexadecimal
        for blocks in suspects(part.journal):
            before = {index: part.journal.blocks[index] for index in blocks}
            part.forget_blocks(blocks)
            self._fetch_missing(part, line)
            has_changed = any(part.journal.blocks[index] != known for index, known in before.items())
            if has_changed and self._is_right(part):
                return None
        file = self._address.file
        return DownloadDamaged(file.path, file.content_hash.hexadecimal, found)

    def _is_right(self, part: PartFile) -> bool:
        for hashed_bytes in part.hash_the_rest():
            self._control.check()
            self._report("verifying", hashed_bytes, "")
        if not part.whole.is_right:
            return False
        part.flush()
        return True

    def _rest(self, part: PartFile, line: WorkLine) -> None:
        line.join()
        self._report("paused", part.done_bytes, "")
        self._control.wait_while_paused()

    def _wait(self, seconds: float, reason: str) -> None:
        self._report("waiting", self._done_bytes(), reason)
        self._control.wait(seconds)


class _Batch:
    """Pieces on their way to the writing thread, several at a time: each switch of threads costs."""

    def __init__(self, part: PartFile, line: WorkLine) -> None:
        self._part, self._line = part, line
        self._pieces: list[bytes] = []
        self._num_bytes = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._num_bytes += len(piece)
        if self._num_bytes >= BATCH_BYTES:
            self.hand_on()

    def hand_on(self) -> None:
        pieces, num_bytes = self._pieces, self._num_bytes
        self._pieces, self._num_bytes = [], 0
        if pieces:
            self._line.put(partial(self._write, pieces), num_bytes)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._part.write(piece)

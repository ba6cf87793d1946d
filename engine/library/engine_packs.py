"""The folder of engine packs: what is installed, which one is used, and which worked before.

    packs/<id>/manifest.json and the library's files
    packs/state.json    which is used, in what order packs were good, what their probes said

A pack appears in the folder whole or not at all. Knows files only: whether a library works is found out by
`engine.host.pack_probe` in a process of its own. For any thread and process: changes hold a lock.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
from filelock import FileLock, Timeout

from engine.contract.errors import InvalidRequest, PackRefused, StorageFailed
from engine.contract.packs import (
    BUILTIN_ENGINE,
    MANIFEST_NAME,
    EnginePack,
    PackManifest,
    PackReport,
)
from engine.library.atomic_file import sync_folder, write_atomically
from engine.library.pack_archive import check_made_for_this, decode_manifest, read_manifest, unpack

LOCK_TIMEOUT_S = 10.0
_UNFINISHED = ".unfinished-"
_KEPT_GOOD = 8  # packs that are remembered to have worked


class PackState(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept about packs, in `state.json`."""

    used: str = BUILTIN_ENGINE
    good: tuple[str, ...] = ()  # that were in use before, the newest last; the built-in library may be one
    reports: dict[str, PackReport] = {}


class EnginePacks:
    """The packs of one data folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet; the folder need not be there."""
        self._folder = folder

    def folder_of(self, pack: str) -> Path:
        """Where a pack's files lie."""
        return self._folder / pack

    def state(self) -> PackState:
        """What is kept; a file that cannot be read counts as empty."""
        try:
            return msgspec.json.decode((self._folder / "state.json").read_bytes(), type=PackState)
        except (OSError, msgspec.DecodeError):
            return PackState()

    def manifest(self, pack: str) -> PackManifest:
        """What an installed pack says of itself; raises InvalidRequest, PackRefused."""
        if pack not in self._ids():
            raise InvalidRequest(f"there is no engine pack {pack!r}; `retort packs` lists them")
        content = (self._folder / pack / MANIFEST_NAME).read_bytes()
        return decode_manifest(content, pack)

    def all(self) -> tuple[EnginePack, ...]:
        """Every pack as it is, the built-in library first."""
        state = self.state()
        builtin = EnginePack(
            id=BUILTIN_ENGINE, kind="cpu", size_bytes=0, is_used=state.used == BUILTIN_ENGINE
        )
        return (builtin, *(self._entry(pack, state) for pack in self._ids()))

    def install(self, archive: Path, tell: Callable[[float], None]) -> str:
        """Take in the pack of an archive; returns its id. One of the same id that is whole stays as it is.

        Raises PackRefused, StorageFailed.
        """
        manifest = read_manifest(archive)
        check_made_for_this(manifest, archive.name)
        target = self._folder / manifest.id
        if target.is_dir() and not self._wrong_file(target, manifest):
            return manifest.id
        with self._unfinished() as unfinished:  # without the lock: whoever starts a worker may need that
            unpack(archive, unfinished, manifest, tell)
            with self._lock():
                self._put_in_place(unfinished, target)
                state = self.state()
                reports = {pack: one for pack, one in state.reports.items() if pack != manifest.id}
                self._keep(msgspec.structs.replace(state, reports=reports))
        return manifest.id

    def remove(self, pack: str) -> None:
        """Delete a pack that is not in use; raises InvalidRequest, StorageFailed."""
        with self._lock(), self._unfinished() as aside:
            state = self.state()
            if pack == state.used:
                raise InvalidRequest(f"{pack} is in use")
            if pack not in self._ids():
                raise InvalidRequest(f"there is no engine pack {pack!r}")
            try:
                (self._folder / pack).rename(aside / pack)
            except OSError as error:  # a worker on Windows still has it open
                raise StorageFailed(str(self._folder / pack), error.strerror or str(error)) from error
            reports = {one: report for one, report in state.reports.items() if one != pack}
            good = tuple(one for one in state.good if one != pack)
            self._keep(msgspec.structs.replace(state, reports=reports, good=good))

    def note_report(self, pack: str, report: PackReport) -> None:
        """Keep what a probe said."""
        with self._lock():
            state = self.state()
            self._keep(msgspec.structs.replace(state, reports=state.reports | {pack: report}))

    def use(self, pack: str) -> None:
        """Use a pack, or the built-in library, from now on; rolling back returns to the one before."""
        with self._lock():
            state = self.state()
            good = tuple(one for one in (*state.good, state.used) if one != pack)[-_KEPT_GOOD:]
            self._keep(msgspec.structs.replace(state, used=pack, good=good))

    def give_up(self, pack: str, problem: str) -> str:
        """Use what worked before in place of a pack that failed; returns it, empty if another is in use."""
        with self._lock():
            state = self.state()
            if state.used != pack:
                return ""
            report = state.reports.get(pack, PackReport(problem=""))
            reports = state.reports | {pack: msgspec.structs.replace(report, problem=problem)}
            now = self._usable_before(msgspec.structs.replace(state, reports=reports))
            good = tuple(one for one in state.good if one not in (pack, now))
            self._keep(PackState(used=now, good=good, reports=reports))
            return now

    def roll_back(self) -> str:
        """Use what was used before; the pack that was in use stays and may be chosen again."""
        with self._lock():
            state = self.state()
            now = self._usable_before(state)
            good = tuple(one for one in state.good if one != now)
            self._keep(msgspec.structs.replace(state, used=now, good=good))
            return now

    def before(self) -> str:
        """What rolling back would use; empty where the built-in library is used and nothing else worked."""
        state = self.state()
        found = self._usable_before(state)
        return "" if found == state.used else found

    def is_as_probed(self, pack: str, report: PackReport) -> bool:
        """Whether a pack's files have the sizes and times that they had when it was probed; quick."""
        try:
            return self.stamps(pack) == report.stamps
        except (OSError, InvalidRequest, PackRefused):
            return False

    def stamps(self, pack: str) -> tuple[tuple[str, int, int], ...]:
        """Name, size and time of change of each file; raises OSError, InvalidRequest, PackRefused."""
        found = []
        for file in self.manifest(pack).files:
            status = (self._folder / pack / file.name).stat()
            found.append((file.name, status.st_size, status.st_mtime_ns))
        return tuple(found)

    def check_files(self, pack: str) -> str:
        """Compare every file with its hash; returns what is wrong, in words. Raises InvalidRequest."""
        try:
            manifest = self.manifest(pack)
            check_made_for_this(manifest, pack)
        except PackRefused as error:
            return str(error.details["reason"])
        except OSError as error:
            return f"its manifest cannot be read ({error.strerror})"
        name = self._wrong_file(self._folder / pack, manifest)
        return f"{name} is missing or damaged" if name else ""

    def _usable_before(self, state: PackState) -> str:
        """The newest that was good, is still there and is not the one in use; else the built-in library."""
        here = self._ids()
        for pack in reversed(state.good):
            report = state.reports.get(pack)
            is_here = pack in here and report is not None and not report.problem
            if pack != state.used and (pack == BUILTIN_ENGINE or is_here):
                return pack
        return BUILTIN_ENGINE

    def _ids(self) -> list[str]:
        folders = sorted(self._folder.glob(f"*/{MANIFEST_NAME}"))
        return [path.parent.name for path in folders if not path.parent.name.startswith(".")]

    def _entry(self, pack: str, state: PackState) -> EnginePack:
        report = state.reports.get(pack)
        try:
            manifest = self.manifest(pack)
            check_made_for_this(manifest, pack)
        except (PackRefused, OSError) as error:
            problem = str(error.details["reason"]) if isinstance(error, PackRefused) else str(error)
            return EnginePack(
                id=pack, kind="cpu", size_bytes=0, is_used=state.used == pack, report=report, problem=problem
            )
        problem = report.problem if report is not None else ""
        if report is not None and not problem and not self.is_as_probed(pack, report):
            problem = "its files have changed since they were checked"
        return EnginePack(
            id=pack,
            kind=manifest.kind,
            size_bytes=manifest.size_bytes,
            is_used=state.used == pack,
            report=report,
            problem=problem,
        )

    def _wrong_file(self, folder: Path, manifest: PackManifest) -> str:
        """The first file that is not there or has another content; empty where all are right."""
        for file in manifest.files:
            try:
                with (folder / file.name).open("rb") as opened:
                    if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                        return file.name
            except OSError:
                return file.name
        return ""

    def _put_in_place(self, unfinished: Path, target: Path) -> None:
        """Give a complete folder its name; a damaged pack of that name goes."""
        try:
            with self._unfinished() as damaged:
                if target.is_dir():
                    target.rename(damaged / target.name)
            unfinished.rename(target)
            sync_folder(self._folder)
        except OSError as error:
            raise StorageFailed(str(target), error.strerror or str(error)) from error

    @contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """A folder of this process for the time of a `with` block; those of processes that died go."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob(f"{_UNFINISHED}*"):
            owner = left.name.removeprefix(_UNFINISHED).partition("-")[0]
            if not (owner.isdigit() and psutil.pid_exists(int(owner))):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{os.getpid()}-", dir=self._folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, state: PackState) -> None:
        write_atomically(self._folder / "state.json", msgspec.json.format(msgspec.json.encode(state)))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._folder / "lock", timeout=LOCK_TIMEOUT_S):
                yield
        except Timeout as error:
            raise InvalidRequest("another Retort is busy with the engine packs") from error

"""From a repository's name to a model in the library: list, choose, fetch, verify; then it gets its name."""

import hashlib
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath

import msgspec
from filelock import Timeout

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.hub_messages import (
    HubGroup,
    ModelPulled,
    PullRequest,
    TransferProgress,
)
from engine.contract.model_info import InstalledModel, ModelFormat
from engine.contract.paths import Paths
from engine.gateway.control import Cancelled, Control
from engine.gateway.hub import Hub, Listing, RemoteFile
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience
from engine.gateway.progress import ProgressReport
from engine.gateway.ranges import FileAddress
from engine.gateway.repository import (
    check_names,
    choose_companions,
    choose_group,
    companion_groups,
    local_name,
)
from engine.gateway.transfer import Transfer
from engine.gateway.xet import Xet
from engine.library.atomic_file import sync_folder
from engine.library.content_hash import PIECE_BYTES, RunningHash
from engine.library.installed import InstalledModels
from engine.library.library_files import check_library_there
from engine.library.names import is_valid_part
from engine.library.places import find_model, list_places, name_below, names_to_type
from engine.library.records import ModelRecord, RecordedFile, Records, look_at
from engine.library.unfinished import lock_download


@dataclass(frozen=True, slots=True)
class _Target:
    """A remote file and where it goes."""

    file: RemoteFile
    path: Path


@dataclass(frozen=True, slots=True)
class _Plan:
    """A model's files and what it will be called."""

    listing: Listing
    targets: list[_Target]
    format: ModelFormat
    path: Path  # the file, the first of its parts, or the folder
    name: str


class Puller:
    """Fetches models into one library. For any thread, one call per model at a time."""

    def __init__(self, paths: Paths, hub: Hub, patience: Patience, speed_limit: SpeedLimit) -> None:
        """Nothing is asked yet."""
        self._paths, self._hub, self._patience, self._speed_limit = paths, hub, patience, speed_limit
        self._records = Records(paths.records)

    def pull(
        self, request: PullRequest, control: Control, emit: Callable[[TransferProgress], None]
    ) -> ModelPulled:
        """Bring a model into the library.

        Raises NetworkError, InvalidRequest, StorageFailed; Cancelled, upon which nothing is left of it.
        """
        check_library_there(self._paths)
        listing = self._hub.list(request.repository, request.revision, control)
        group = choose_group(listing, request.file)
        with_it = choose_companions(listing, group, request.companions)
        plans = [self._plan(listing, one) for one in (group, *with_it)]
        records = {record.path: record for record in self._records.all()}
        missing = [
            [t for t in plan.targets if not self._is_there(t, records.get(str(plan.path)), control)]
            for plan in plans
        ]
        with ExitStack() as locks:
            for target in chain(*missing):
                self._lock(locks, target)
            fetched_bytes = self._fetch(request, listing, list(chain(*missing)), control, emit)
            for plan, lacking in zip(plans, missing, strict=True):
                record = records.get(str(plan.path))
                if lacking or record is None or record.is_damaged:
                    self._take_in(plan, lacking)
        model = self._entry(plans[0].path)
        here = {Path(one.path).name for one in model.companions}
        return ModelPulled(
            request_id=request.request_id,
            model=model,
            fetched_bytes=fetched_bytes,
            companions=tuple(
                one
                for one in companion_groups(listing, group)
                if here.isdisjoint(PurePosixPath(file).name for file in one.files)
            ),
        )

    def _plan(self, listing: Listing, group: HubGroup) -> _Plan:
        targets = self._targets(listing, group)
        model_format: ModelFormat = "checkpoint" if group.kind == "checkpoint" else "gguf"
        path = targets[0].path.parent if model_format == "checkpoint" else targets[0].path
        name = name_below(self._paths.models, path, model_format)
        return _Plan(listing, targets, model_format, path, name)

    def _targets(self, listing: Listing, group: HubGroup) -> list[_Target]:
        """Where the group's files go; raises HubAnswerWrong for names that go nowhere."""
        by_path = {file.path: file for file in listing.files}
        files = [by_path[path] for path in group.files]
        check_names(files, self._hub.endpoint.host)
        publisher, _, repository = listing.repository.partition("/")
        if not (is_valid_part(publisher) and is_valid_part(repository)):
            raise InvalidRequest(f"{listing.repository} is no name that a folder can have on every system")
        folder = self._paths.models / publisher / repository
        there = {path.name.lower(): path.name for path in folder.iterdir()} if folder.is_dir() else {}
        targets = [_Target(file, folder / local_name(file, self._hub.endpoint.host)) for file in files]
        for target in targets:
            if there.get(target.path.name.lower(), target.path.name) != target.path.name:
                raise InvalidRequest(f"{folder} has a file named like {target.path.name} but for its case")
        return targets

    def _is_there(self, target: _Target, record: ModelRecord | None, control: Control) -> bool:
        """Whether the file is in its place and sound; a damaged one is made the beginning of its download."""
        if not target.path.exists():
            return False
        file = target.file
        known = next((f for f in record.files if f.path == str(target.path)), None) if record else None
        now = look_at(target.path)
        is_as_recorded = known is not None and (known.size_bytes, known.mtime_ns) == (
            now.size_bytes,
            now.mtime_ns,
        )
        if record and known and is_as_recorded and not record.is_damaged and record.commit:
            if file.content_hash.kind == "git" or known.sha256 == file.content_hash.hexadecimal:
                return file.size_bytes == now.size_bytes
        elif now.size_bytes == file.size_bytes and _has_hash(target, control):
            return True
        if known is None:
            raise InvalidRequest(f"{target.path} is another file and in the way: move it")
        self._begin_repair(target, known)
        return False

    def _begin_repair(self, target: _Target, known: RecordedFile) -> None:
        """Make the damaged file the part of its next transfer, where the hashes of its blocks are kept."""
        blocks = self._records.blocks_of(known.sha256)
        part = self._paths.partial / f"{target.file.content_hash.file_stem}.part"
        if known.sha256 == target.file.content_hash.hexadecimal and blocks.exists() and not part.exists():
            self._paths.partial.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(blocks, part.with_suffix(".json"))
            target.path.rename(part)

    def _lock(self, locks: ExitStack, target: _Target) -> None:
        self._paths.partial.mkdir(parents=True, exist_ok=True, mode=0o700)
        stem = target.file.content_hash.file_stem
        try:
            locks.enter_context(lock_download(self._paths.partial, stem))
        except Timeout as error:
            raise InvalidRequest(f"{target.path.name} is being fetched already") from error

    def _fetch(
        self,
        request: PullRequest,
        listing: Listing,
        targets: list[_Target],
        control: Control,
        emit: Callable[[TransferProgress], None],
    ) -> int:
        """Bring every file's bytes into its part; returns how many came over the network."""
        progress = ProgressReport(request.request_id, sum(t.file.size_bytes for t in targets), emit)
        transfers: list[Transfer] = []
        purpose = f"fetching {listing.repository}"
        xet = Xet(self._paths.cache, self._patience, control, self._hub.lister(f"{purpose} by Xet"))
        try:
            with self._hub.client_for_files(purpose, control) as client:
                for target in targets:
                    transfer = Transfer(
                        FileAddress.of(self._hub.endpoint, listing, target.file),
                        self._paths.partial,
                        client,
                        control=control,
                        patience=self._patience,
                        speed_limit=self._speed_limit,
                        report=progress.report,
                        xet=xet,
                    )
                    transfers.append(transfer)
                    transfer.run()
                    progress.file_done(target.file.size_bytes)
        except Cancelled:
            for transfer in transfers:
                transfer.forget()
            raise
        return sum(transfer.fetched_bytes for transfer in transfers)

    def _take_in(self, plan: _Plan, missing: list[_Target]) -> None:
        """Give the verified files their names and write the record: from here on the model is there."""
        folder, listing = plan.targets[0].path.parent, plan.listing
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._records.lock():
                for target in plan.targets:
                    part = self._paths.partial / f"{target.file.content_hash.file_stem}.part"
                    if target in missing:
                        part.replace(target.path)
                    self._keep_blocks(target, part.with_suffix(".json"))
                sync_folder(folder)
                sync_folder(self._paths.partial)
                self._records.save(
                    ModelRecord(
                        name=plan.name,
                        format=plan.format,
                        path=str(plan.path),
                        is_reference=False,
                        files=tuple(_recorded(target) for target in plan.targets),
                        added_at=time.time(),
                        verified_at=time.time(),
                        source=f"{self._hub.endpoint.host}/{listing.repository}",
                        commit=listing.commit,
                        author=listing.author,
                        license=listing.license,
                    )
                )
        except OSError as error:
            raise StorageFailed(str(folder), error.strerror or str(error)) from error

    def _keep_blocks(self, target: _Target, journal: Path) -> None:
        if target.file.content_hash.kind == "sha256" and journal.exists():
            blocks = self._records.blocks_of(target.file.content_hash.hexadecimal)
            blocks.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            journal.replace(blocks)
        journal.unlink(missing_ok=True)

    def _entry(self, model_path: Path) -> InstalledModel:
        place = find_model(str(model_path), self._paths)
        entry = InstalledModels(self._paths).one(place)
        return replace(entry, short_name=names_to_type(list_places(self._paths))[place.name])


def _recorded(target: _Target) -> RecordedFile:
    found = look_at(target.path)
    hash_known = target.file.content_hash
    sha256 = hash_known.hexadecimal if hash_known.kind == "sha256" else _sha256(target.path)
    return msgspec.structs.replace(found, sha256=sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_hash(target: _Target, control: Control) -> bool:
    """Read a file and compare."""
    running = RunningHash(target.file.content_hash, target.file.size_bytes)
    with target.path.open("rb") as file:
        offset = 0
        while data := file.read(PIECE_BYTES):
            control.check()
            running.take(offset, data)
            offset += len(data)
    return running.is_right

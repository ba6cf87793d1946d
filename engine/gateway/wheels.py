"""Wheels from a package index: where each lies (PEP 503: a page of links per project), and fetching it.

What is asked for is locked by hash and size, so that an index can refuse and never deceive.
"""

import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import httpx2
from filelock import Timeout

from engine.contract.component_messages import FetchWheelsRequest, LockedWheel, WheelsFetched
from engine.contract.errors import HubAnswerWrong, HubUnreachable, InvalidRequest, NotOnHub, StorageFailed
from engine.contract.hub_messages import TransferProgress
from engine.contract.paths import Paths, public_address
from engine.gateway.connection import Connection
from engine.gateway.control import Control
from engine.gateway.hub import Hub, RemoteFile
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience, Tries
from engine.gateway.progress import ProgressReport
from engine.gateway.ranges import FileAddress
from engine.gateway.transfer import Transfer
from engine.gateway.xet import Xet
from engine.library.components import WHEELS
from engine.library.content_hash import ContentHash
from engine.library.network_log import NetworkLog
from engine.library.unfinished import lock_download

_FILE = re.compile(r"[A-Za-z0-9][\w.+-]{0,200}\.whl", re.ASCII)


class WheelFetcher:
    """Fetches into the folder of components. For any thread."""

    def __init__(self, paths: Paths, hub: Hub, patience: Patience, speed_limit: SpeedLimit) -> None:
        """RETORT_INDEX names a mirror that is asked in place of every index; nothing is asked yet."""
        self._paths, self._hub, self._patience, self._speed_limit = paths, hub, patience, speed_limit
        self._log = NetworkLog(paths.network_log)
        self._folder = paths.components / WHEELS

    def fetch(
        self, request: FetchWheelsRequest, control: Control, emit: Callable[[TransferProgress], None]
    ) -> WheelsFetched:
        """Bring every wheel here; what arrived stays, however it ends. Raises NetworkError, StorageFailed."""
        for wheel in request.wheels:
            if _FILE.fullmatch(wheel.file) is None:
                raise InvalidRequest(f"{wheel.file[:80]!r} is no name of a wheel")
        report = ProgressReport(request.request_id, sum(w.size_bytes for w in request.wheels), emit)
        fetched_bytes = 0
        for wheel in request.wheels:
            path = self._folder / wheel.file
            if not (path.is_file() and path.stat().st_size == wheel.size_bytes):
                fetched_bytes += self._fetch(wheel, f"fetching {request.purpose}", control, report)
            report.file_done(wheel.size_bytes)
        return WheelsFetched(request_id=request.request_id, fetched_bytes=fetched_bytes)

    def _fetch(self, wheel: LockedWheel, purpose: str, control: Control, report: ProgressReport) -> int:
        index = _index(wheel)
        address = FileAddress(
            self._find(index, wheel, purpose, control),
            wheel.project,
            "",
            RemoteFile(
                path=wheel.file,
                size_bytes=wheel.size_bytes,
                content_hash=ContentHash("sha256", wheel.sha256),
            ),
        )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        xet = Xet(self._paths.cache, self._patience, control, self._hub.lister(purpose))
        try:
            with (
                lock_download(self._folder, wheel.sha256),
                self._client(index, purpose, control, is_for_files=True) as client,
            ):
                transfer = Transfer(
                    address,
                    self._folder,
                    client,
                    control=control,
                    patience=self._patience,
                    speed_limit=self._speed_limit,
                    report=report.report,
                    xet=xet,
                )
                transfer.run()
                transfer.part.replace(self._folder / wheel.file)
                transfer.part.with_suffix(".json").unlink(missing_ok=True)
        except Timeout as error:
            raise InvalidRequest(f"{wheel.file} is being fetched already") from error
        except OSError as error:
            raise StorageFailed(str(self._folder), error.strerror or str(error)) from error
        return transfer.fetched_bytes

    def _find(self, index: httpx2.URL, wheel: LockedWheel, purpose: str, control: Control) -> httpx2.URL:
        """Where a wheel lies; raises NetworkError."""
        page = index.copy_with(path=f"{index.path.rstrip('/')}/{wheel.project}/")
        tries = Tries(self._patience, index.host, lambda seconds, _reason: control.wait(seconds))
        with self._client(index, purpose, control, is_for_files=False) as client:
            try:
                response = tries.until_done(lambda: client.get(page))
            except httpx2.HTTPError as error:
                raise HubAnswerWrong(index.host, str(error) or type(error).__name__) from error
        control.check()
        if response.status_code == 404:
            raise NotOnHub(wheel.project)
        if response.status_code != 200:
            raise HubUnreachable(index.host, f"it answers {response.status_code}")
        links = _Links()
        links.feed(response.text)
        link = links.by_file.get(wheel.file)
        if link is None:
            raise NotOnHub(wheel.file)
        try:
            return response.url.join(link).copy_with(fragment=None)
        except httpx2.InvalidURL as error:
            raise HubAnswerWrong(index.host, "it leads to no valid address") from error

    def _client(
        self, index: httpx2.URL, purpose: str, control: Control, *, is_for_files: bool
    ) -> httpx2.Client:
        connection = Connection(
            index,
            self._log,
            self._patience,
            purpose=lambda: purpose,
            control=control,
            is_for_files=is_for_files,
        )
        return httpx2.Client(transport=connection, follow_redirects=not is_for_files, max_redirects=5)


class _Links(HTMLParser):
    """The links of a page, by the names of the files they lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.by_file: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        link = dict(attrs).get("href") if tag == "a" else None
        if link:
            self.by_file[unquote(urlsplit(link).path).rpartition("/")[2]] = link


def _index(wheel: LockedWheel) -> httpx2.URL:
    return httpx2.URL((os.environ.get("RETORT_INDEX") or public_address(wheel.index)).rstrip("/"))

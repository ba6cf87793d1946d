"""Tiny wheels made up for a test, a component's lock of them, and a package index on this computer."""

import base64
import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

import engine.library.component_lock
from engine.contract.component_messages import LockedWheel
from engine.library.component_lock import ComponentLock, this_system
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest


def write_wheel(folder: Path, name: str, files: dict[str, bytes], *, version: str = "1.0") -> Path:
    """A wheel with these files, as PEP 427 describes one."""
    info = f"{name}-{version}.dist-info"
    content = {**files, f"{info}/METADATA": b"Metadata-Version: 2.1\n"}
    text = io.StringIO()
    rows = [(path, f"sha256={_digest(data)}", str(len(data))) for path, data in content.items()]
    csv.writer(text).writerows([*rows, (f"{info}/RECORD", "", "")])
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**content, f"{info}/RECORD": text.getvalue().encode()}.items():
            archive.writestr(path, data)
    return wheel


def lock_of(*wheels: Path, name: str = "tiny", version: str = "1.0") -> ComponentLock:
    """The lock of a component that consists of these wheels on this system."""
    locked = tuple(
        LockedWheel(
            file=wheel.name,
            sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
            size_bytes=wheel.stat().st_size,
            index="python_packages",
        )
        for wheel in wheels
    )
    return ComponentLock(
        name=name,
        version=version,
        modules=(f"{name}_module",),
        unpacked_per_byte=4.0,
        systems={this_system(): locked},
    )


def know_only(monkeypatch: pytest.MonkeyPatch, folder: Path, *locks: ComponentLock) -> None:
    """Let these be the components that this process knows."""
    folder.mkdir(parents=True, exist_ok=True)
    for lock in locks:
        systems = {
            system: [{field: getattr(wheel, field) for field in wheel.__struct_fields__} for wheel in wheels]
            for system, wheels in lock.systems.items()
        }
        told = {field: getattr(lock, field) for field in lock.__struct_fields__} | {"systems": systems}
        (folder / f"{lock.name}.json").write_text(json.dumps(told))
    monkeypatch.setattr(engine.library.component_lock, "locks_folder", lambda: folder)


class PackageIndex(FakeHub):
    """An index of wheels by PEP 503, and the files themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.wheels: dict[str, bytes] = {}
        handler = type("IndexHandler", (_IndexHandler,), {"hub": self, "index": self})
        self._server.RequestHandlerClass = handler

    def __enter__(self) -> "PackageIndex":
        super().__enter__()
        return self

    def add_wheels(self, *wheels: Path) -> None:
        """Offer these files."""
        self.wheels |= {wheel.name: wheel.read_bytes() for wheel in wheels}


class _IndexHandler(FakeHubHandler):
    index: PackageIndex

    def _answer(self) -> None:
        path = self.path
        with self.hub.lock:
            self.hub.paths.append(path)
        if path.startswith("/files/"):
            self._answer_wheel(path.removeprefix("/files/"))
            return
        project = path.strip("/").rpartition("/")[2]
        found = [name for name in self.index.wheels if name.partition("-")[0].replace("_", "-") == project]
        links = "".join(f'<a href="../../files/{name}#sha256=0">{name}</a><br/>' for name in found)
        page = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        self.send_whole(200 if found else 404, page, {"Content-Type": "text/html"})

    def _answer_wheel(self, name: str) -> None:
        content = self.index.wheels[name]
        spoken = self.headers.get("Range", "")
        start, _, last = spoken.removeprefix("bytes=").partition("-")
        end = int(last) + 1 if last else len(content)
        request = FileRequest(name, int(start or 0), end, "", bool(spoken))
        with self.hub.lock:
            self.hub.requests.append(request)
            self.hub.sent_by_request.append(0)
            self.number = len(self.hub.requests) - 1
        if self.hub.file_lie is None or not self.hub.file_lie(self, request, content):
            self.send_range(request, content)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()

"""A hub on this computer that speaks what huggingface_hub asks, and lies where a test tells it to."""

import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SMALL_FILE_BYTES = 4096  # smaller ones are in git itself, without a SHA-256 in the listing
PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class FileRequest:
    """One request for a file's bytes, as the server saw it."""

    path: str
    start: int
    end: int
    authorization: str
    has_range: bool


@dataclass
class FakeRepository:
    """Files at one commit."""

    files: dict[str, bytes]
    commit: str = "c" * 40
    author: str = "acme"
    license: str = "apache-2.0"
    gated: bool = False
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)  # entries that are told otherwise
    facts: dict[str, Any] = field(default_factory=dict)  # more of what the hub tells of it
    tags: tuple[str, ...] = ()
    _hashes: dict[str, tuple[bytes, str, str]] = field(default_factory=dict)

    def hashes(self, path: str) -> tuple[str, str]:
        """A file's SHA-256 and its git hash, reckoned once."""
        content = self.files[path]
        if path not in self._hashes or self._hashes[path][0] is not content:
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self._hashes[path] = content, hashlib.sha256(content).hexdigest(), git
        return self._hashes[path][1:]

    def all_tags(self) -> list[str]:
        return ["gguf", f"license:{self.license}", *self.tags]

    def tree(self) -> list[dict[str, Any]]:
        entries = []
        for path, content in self.files.items():
            sha256, git = self.hashes(path)
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git}
            if len(content) >= SMALL_FILE_BYTES:
                entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
            entries.append(entry | self.listed.get(path, {}))
        return entries


FileLie = Callable[["FakeHubHandler", FileRequest, bytes], bool]  # true where it has answered
ApiLie = Callable[["FakeHubHandler", str], bool]


class FakeHub:
    """The server, its repositories and the log of what it sent."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.repositories: dict[str, FakeRepository] = {}
        self.requests: list[FileRequest] = []
        self.paths: list[str] = []  # of everything that was asked
        self.queries: list[dict[str, list[str]]] = []  # of the searches
        self.sent_bytes = 0  # of files, as handed to the system
        self.sent_by_request: list[int] = []  # the same for each of `requests`
        self.bytes_per_s = 0  # 0 is as fast as it goes
        self.file_lie: FileLie | None = None
        self.api_lie: ApiLie | None = None
        self.is_closing = threading.Event()
        self.lock = threading.Lock()
        handler = type("Handler", (FakeHubHandler,), {"hub": self})
        self._server = _QuietServer(("127.0.0.1", 0), handler)
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake-hub")

    @property
    def endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, files: dict[str, bytes], **facts: Any) -> FakeRepository:
        repository = self.repositories[name] = FakeRepository(files, **facts)
        return repository

    def __enter__(self) -> "FakeHub":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what the tests are about."""


class FakeHubHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"
    timeout = 1  # of a connection that is kept open for nothing
    number = 0  # of the file's request that is being answered

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        with self.hub.lock:
            self.hub.paths.append(path)
        if path.startswith("/api/"):
            if self.hub.api_lie is None or not self.hub.api_lie(self, path):
                self._answer_api(path, parse_qs(url.query))
            return
        name, _, rest = path.lstrip("/").partition("/resolve/")
        _, _, file = rest.partition("/")
        repository = self.hub.repositories.get(name)
        if repository is None or file not in repository.files:
            self.send_whole(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif repository.gated and not self.headers.get("Authorization"):
            self.send_whole(401, b"", {"X-Error-Code": "GatedRepo"})
        else:
            self._answer_file(repository, path, file)

    def _answer_api(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/api/models":
            self.hub.queries.append(query)
            word = query.get("search", [""])[0].lower()
            found = [
                {"id": name, "author": r.author, "downloads": 7, "likes": 3, "gated": r.gated}
                | {"tags": r.all_tags(), "lastModified": "2026-11-01T12:00:00.000Z"}
                | {"siblings": [{"rfilename": path} for path in r.files]}
                | r.facts
                for name, r in self.hub.repositories.items()
                if word in name.lower()
            ]
            self.send_json(found)
            return
        words = path.removeprefix("/api/models/").split("/")
        name, rest = "/".join(words[:2]), words[2:]
        repository = self.hub.repositories.get(name)
        if repository is None:
            self.send_whole(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif rest[:1] == ["revision"] and rest[1] not in ("main", repository.commit):
            self.send_whole(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            self.send_json(repository.tree())
        else:
            info: dict[str, Any] = {"id": name, "author": repository.author, "sha": repository.commit}
            info |= {"tags": repository.all_tags()}
            self.send_json(info | {"gated": "auto" if repository.gated else False, "siblings": []})

    def _answer_file(self, repository: FakeRepository, path: str, file: str) -> None:
        content = repository.files[file]
        spoken = self.headers.get("Range", "")
        start, _, last = spoken.removeprefix("bytes=").partition("-")
        request = FileRequest(
            path,
            int(start or 0),
            int(last) + 1 if last else len(content),
            self.headers.get("Authorization", ""),
            bool(spoken),
        )
        with self.hub.lock:
            self.hub.requests.append(request)
            self.hub.sent_by_request.append(0)
            self.number = len(self.hub.requests) - 1
        if self.hub.file_lie is not None and self.hub.file_lie(self, request, content):
            return
        told = {"X-Repo-Commit": repository.commit, "ETag": f'"{repository.hashes(file)[0]}"'}
        self.send_range(request, content, told)

    # what lies are made of

    def send_range(self, request: FileRequest, content: bytes, headers: dict[str, str] | None = None) -> None:
        """The honest answer to a request for a range."""
        body = content[request.start : request.end]
        span = f"bytes {request.start}-{request.end - 1}/{len(content)}"
        told = {"Content-Length": str(len(body)), **(headers or {})}
        if request.has_range:
            self.begin(206, {"Content-Range": span, **told})
        else:
            self.begin(200, told)
        if self.command == "GET":
            self.send_body(body)

    def send_json(self, value: object) -> None:
        self.send_whole(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send_whole(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.begin(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, body: bytes) -> None:
        """Send bytes at the hub's speed and count them."""
        view = memoryview(body)
        began, sent = time.monotonic(), 0
        try:
            while view and not self.hub.is_closing.is_set():
                piece, view = view[:PIECE_BYTES], view[PIECE_BYTES:]
                self.wfile.write(piece)
                sent += len(piece)
                with self.hub.lock:
                    self.hub.sent_bytes += len(piece)
                    self.hub.sent_by_request[self.number] += len(piece)
                if self.hub.bytes_per_s:
                    ahead_s = sent / self.hub.bytes_per_s - (time.monotonic() - began)
                    self.hub.is_closing.wait(max(0.0, ahead_s))
        except OSError:
            self.close_connection = True

    def hang_up(self) -> None:
        """Close the connection in the middle of whatever it was about."""
        self.close_connection = True

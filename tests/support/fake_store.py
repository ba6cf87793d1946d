"""A store of chunks on this computer, as hf-xet asks one: uncompressed, one mebibyte to a block of chunks.

Format and requests: huggingface.co/docs/xet, download protocol and xorb format.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

CHUNK_BYTES = 64 * 1024
BLOCK_BYTES = 2**20
TOKEN = "token-of-the-store"


def serialized(content: bytes) -> bytes:
    """Chunks with their headers: version, length here, no compression, length unpacked."""
    chunks = (content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES))
    return b"".join(
        b"\0" + len(chunk).to_bytes(3, "little") + b"\0" + len(chunk).to_bytes(3, "little") + chunk
        for chunk in chunks
    )


class FakeStore:
    """One file's chunks, and how the store misbehaves."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.authorizations: set[str] = set()
        self.paths: list[str] = []
        self.is_silent = False
        self.holds_from = 10**9  # the first block that is not given yet
        self.is_closing = threading.Event()
        handler = type("Handler", (_Handler,), {"store": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake-store")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeStore":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reconstruction(self, start: int, end: int) -> dict[str, Any]:
        """Which chunks of which blocks make up a range of the file."""
        first, behind = start // BLOCK_BYTES, -(-end // BLOCK_BYTES)
        terms, fetch_info = [], {}
        for number in range(first, behind):
            block = self.content[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
            chunks = {"start": 0, "end": -(-len(block) // CHUNK_BYTES)}
            name = f"{number:064x}"
            terms.append({"hash": name, "unpacked_length": len(block), "range": chunks})
            last = len(serialized(block)) - 1
            place = {
                "range": chunks,
                "url": f"{self.url}/block/{number}",
                "url_range": {"start": 0, "end": last},
            }
            fetch_info[name] = [place]
        offset = start - first * BLOCK_BYTES
        return {"offset_into_first_range": offset, "terms": terms, "fetch_info": fetch_info}


class _Handler(BaseHTTPRequestHandler):
    store: FakeStore
    protocol_version = "HTTP/1.1"
    timeout = 1

    def do_GET(self) -> None:
        self.store.paths.append(self.path)
        if self.store.is_silent:
            self.store.is_closing.wait(5.0)
            self.close_connection = True
            return
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        if self.path.startswith("/v1/reconstructions/"):
            self.store.authorizations.add(self.headers.get("Authorization", ""))
            size = len(self.store.content)
            found = self.store.reconstruction(int(first), min(int(last or size - 1) + 1, size))
            self._send(200, json.dumps(found).encode())
        elif self.path.startswith("/block/"):
            number = int(self.path[7:])
            while number >= self.store.holds_from and not self.store.is_closing.wait(0.02):
                pass
            block = self.store.content[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
            self._send(206, serialized(block)[int(first) : int(last) + 1])
        else:
            self._send(404, b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""

    def _send(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

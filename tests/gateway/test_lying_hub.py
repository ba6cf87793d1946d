"""A lying hub: nothing under a final name with a wrong hash, nothing outside; an error in words, in time."""

import json
import socket
import struct
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from engine.contract.errors import (
    DownloadDamaged,
    EngineError,
    HubAnswerWrong,
    HubRefused,
    HubUnreachable,
)
from engine.contract.paths import Paths
from tests.gateway.conftest import Pull
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest

BODY = bytes(range(251)) * 1200  # 300 kB
TIME_LIMIT_S = 20.0
Lie = Callable[[FakeHubHandler, FileRequest, bytes], None]


def wrong_bytes(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_range(request, b"?" + content[1:])


def truncated_body(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    body = content[request.start : request.end]
    span = f"bytes {request.start}-{request.end - 1}/{len(content)}"
    handler.begin(206, {"Content-Length": str(len(body)), "Content-Range": span})
    handler.hang_up()


def shorter_length(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(200, content[:-5])


def longer_length(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(200, content + b"more")


def another_size_in_the_range(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(206, content, {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content) + 1}"})


def another_range(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(206, content[5:], {"Content-Range": f"bytes 5-{len(content) - 1}/{len(content)}"})


def several_ranges(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(206, b"--x\r\n", {"Content-Type": "multipart/byteranges; boundary=x"})


def range_refused(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(416, b"", {"Content-Range": f"bytes */{len(content)}"})


def too_many_requests(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(429, b"")


def wait_ten_hours(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(429, b"", {"Retry-After": "36000"})


def wait_until_tomorrow(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(503, b"", {"Retry-After": formatdate(time.time() + 86400, usegmt=True)})


def server_error(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(500, b"")


def bad_gateway(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(502, b"")


def forbidden(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(403, b"")


def redirects_without_end(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(302, b"", {"Location": handler.path})


def redirect_to_a_file(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(302, b"", {"Location": "file:///etc/passwd"})


def redirect_to_nonsense(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(302, b"", {"Location": "http://[::1:x/"})


def another_commit(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_range(request, content, {"X-Repo-Commit": "d" * 40})


def another_hash(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_range(request, content, {"X-Linked-ETag": '"' + "a" * 64 + '"'})


def web_page(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_whole(200, b"<html>Log in to the hotel's network", {"Content-Type": "text/html"})


def packed(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.send_range(request, content, {"Content-Encoding": "gzip"})


def slow_drip(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.begin(200, {"Content-Length": str(len(content))})
    while not handler.hub.is_closing.wait(0.1):
        handler.wfile.write(b"x")


def silence(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.hub.is_closing.wait(2.0)
    handler.hang_up()


def silence_in_the_middle(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.begin(200, {"Content-Length": str(len(content))})
    handler.wfile.write(content[:1000])
    handler.hub.is_closing.wait(2.0)
    handler.hang_up()


def connection_reset(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.begin(200, {"Content-Length": str(len(content))})
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.hang_up()


def endless_body(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.begin(200, {"Connection": "close"})
    while not handler.hub.is_closing.is_set():
        handler.wfile.write(b"endless!" * 8192)


def endless_header(handler: FakeHubHandler, request: FileRequest, content: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(4000):
        handler.wfile.write(b"X-Filler: " + b"f" * 1000 + b"\r\n")
    handler.hang_up()


FILE_LIES: list[tuple[Lie, type[EngineError]]] = [
    (wrong_bytes, DownloadDamaged),
    (truncated_body, HubUnreachable),
    (shorter_length, HubAnswerWrong),
    (longer_length, HubAnswerWrong),
    (another_size_in_the_range, HubAnswerWrong),
    (another_range, HubAnswerWrong),
    (several_ranges, HubAnswerWrong),
    (range_refused, HubAnswerWrong),
    (too_many_requests, HubUnreachable),
    (wait_ten_hours, HubUnreachable),
    (wait_until_tomorrow, HubUnreachable),
    (server_error, HubUnreachable),
    (bad_gateway, HubUnreachable),
    (forbidden, HubRefused),
    (redirects_without_end, HubAnswerWrong),
    (redirect_to_a_file, HubAnswerWrong),
    (redirect_to_nonsense, HubAnswerWrong),
    (another_commit, HubAnswerWrong),
    (another_hash, HubAnswerWrong),
    (web_page, HubAnswerWrong),
    (packed, HubAnswerWrong),
    (slow_drip, HubUnreachable),
    (silence, HubUnreachable),
    (silence_in_the_middle, HubUnreachable),
    (connection_reset, HubUnreachable),
    (endless_body, DownloadDamaged),
    (endless_header, HubUnreachable),
]


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def refuses(pull: Pull, error: type[EngineError], paths: Paths) -> EngineError:
    """The error that a pull ends with, in time, with nothing in the library and nothing outside of it."""
    outside = files_below(paths.data.parent.parent) - files_below(paths.data)
    began = time.monotonic()
    with pytest.raises(error) as caught:
        pull()
    assert time.monotonic() - began < TIME_LIMIT_S
    assert files_below(paths.models) == set()
    assert files_below(paths.data.parent.parent) - files_below(paths.data) == outside
    assert len(str(caught.value)) < 400
    return caught.value


@pytest.mark.parametrize(("lie", "error"), FILE_LIES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_lie_about_a_file_brings_nothing_into_the_library(
    hub: FakeHub, paths: Paths, pull: Pull, lie: Lie, error: type[EngineError]
) -> None:
    hub.add("acme/tiny", {"tiny.gguf": BODY})

    def tell(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        try:
            lie(handler, request, content)
        except OSError:
            handler.hang_up()
        return True

    hub.file_lie = tell
    refuses(pull, error, paths)
    assert len(hub.requests) <= 7


BAD_NAMES = [
    "../x.gguf",
    "a/../../x.gguf",
    "/etc/x.gguf",
    "C:\\x.gguf",
    "\\\\host\\share\\x.gguf",
    "CON.gguf",
    "nul.x.gguf",
    "x" * 300 + ".gguf",
    ".hidden.gguf",
    "a\0b.gguf",
    "tick\u202efugg.gguf",
    "a b.gguf",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_that_is_not_safe_everywhere_is_refused(
    hub: FakeHub, paths: Paths, pull: Pull, name: str
) -> None:
    hub.add("acme/tiny", {name: BODY})
    refuses(pull, HubAnswerWrong, paths)
    assert hub.requests == []


def test_two_names_that_differ_by_case_are_refused(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    hub.add("acme/tiny", {"x/A-00001-of-00002.gguf": BODY, "x/A-00001-of-00002.GGUF": BODY})
    refuses(pull, HubAnswerWrong, paths)


def api_answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Any:
    def tell(handler: FakeHubHandler, path: str) -> bool:
        handler.send_whole(status, body, headers)
        return True

    return tell


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (api_answer(200, b"<html>log in"), HubAnswerWrong),
        (api_answer(200, b"[" * 200_000), HubAnswerWrong),
        (api_answer(200, b"[]"), HubAnswerWrong),
        (api_answer(200, b'{"id": "acme/tiny", "sha": "../../x", "siblings": []}'), HubAnswerWrong),
        (api_answer(200, b'{"id": 5'), HubAnswerWrong),
        (api_answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), HubAnswerWrong),
        (api_answer(200, b" " * (33 * 2**20)), HubAnswerWrong),
        (api_answer(500, b""), HubUnreachable),
        (api_answer(429, b"", {"Retry-After": "36000"}), HubUnreachable),
        (api_answer(418, b""), HubUnreachable),
    ],
    ids=["page", "depth", "list", "commit", "half", "packed", "33 MiB", "500", "10 hours", "418"],
)
def test_a_lie_about_a_repository_is_said(
    hub: FakeHub, paths: Paths, pull: Pull, answer: Any, error: type[EngineError]
) -> None:
    hub.api_lie = answer
    refuses(pull, error, paths)
    assert len(hub.paths) <= 4


@pytest.mark.parametrize(
    "entry",
    [
        {"size": -1, "lfs": None},
        {"lfs": {"oid": "../../x", "size": 9, "pointerSize": 1}},
        {"lfs": {"oid": "a" * 64, "size": 2**60, "pointerSize": 1}},
        {"lfs": {"size": 9}},
        {"size": "many", "lfs": None},
        {"path": None},
    ],
    ids=["negative", "path for a hash", "huge", "no hash", "no number", "no name"],
)
def test_a_lie_about_a_listed_file_is_said(
    hub: FakeHub, paths: Paths, pull: Pull, entry: dict[str, Any]
) -> None:
    hub.add("acme/tiny", {"tiny.gguf": BODY}, listed={"tiny.gguf": entry})
    refuses(pull, EngineError, paths)
    assert hub.requests == []


def test_a_listing_without_end_is_cut_off(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    entries = [{"type": "file", "path": f"{n}.gguf", "size": 1, "oid": "a" * 40} for n in range(5000)]

    def tell(handler: FakeHubHandler, path: str) -> bool:
        if "/tree/" not in path:
            return False
        handler.begin(200, {"Link": f'<{handler.hub.endpoint}{path}>; rel="next"', "Connection": "close"})
        handler.wfile.write(json.dumps(entries).encode())
        handler.hang_up()
        return True

    hub.add("acme/tiny", {"tiny.gguf": BODY})
    hub.api_lie = tell
    assert "more than" in str(refuses(pull, HubAnswerWrong, paths))


def test_an_answer_that_says_no_length_and_a_wrong_tag_is_judged_by_its_bytes(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    def tell(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.begin(200, {"Connection": "close", "ETag": '"' + "a" * 64 + '"'})
        handler.wfile.write(content)
        handler.hang_up()
        return True

    hub.add("acme/tiny", {"tiny.gguf": BODY})
    hub.file_lie = tell
    assert Path(pull().model.path).read_bytes() == BODY


def test_a_server_without_ranges_is_read_from_its_beginning(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    def tell(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        handler.begin(200, {"Content-Length": str(len(content))})
        handler.send_body(content[: 200_000 if len(handler.hub.requests) == 1 else None])
        handler.hang_up()
        return True

    hub.add("acme/tiny", {"tiny.gguf": BODY})
    hub.file_lie = tell
    assert Path(pull().model.path).read_bytes() == BODY
    assert [request.start for request in hub.requests] == [0, 200_000]


def test_a_connection_that_breaks_again_and_again_goes_on_at_the_next_byte(
    hub: FakeHub, paths: Paths, pull: Pull
) -> None:
    def tell(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
        span = f"bytes {request.start}-{request.end - 1}/{len(content)}"
        length = str(request.end - request.start)
        handler.begin(206, {"Content-Length": length, "Content-Range": span})
        handler.send_body(content[request.start : min(request.end, request.start + 70_000)])
        handler.hang_up()
        return True

    hub.add("acme/tiny", {"tiny.gguf": BODY})
    hub.file_lie = tell
    pulled = pull()
    assert pulled.fetched_bytes == len(BODY)
    assert len(hub.requests) == 5

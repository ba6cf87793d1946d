"""Downloads as the window keeps them, and what it says of them."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Signal

from app.download_words import describe_download, duration
from app.engine_link.download import Download, Wanted
from app.engine_link.downloads import Downloads
from engine.contract.errors import EngineError, HubUnreachable
from engine.contract.hub_messages import PullRequest, TransferProgress
from engine.contract.messages import FinishedEvent, Request
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDownload,
    UnfinishedListed,
    UnfinishedRequest,
)

WANTED = Wanted(repository="p/r", file="m.gguf", title="M Q4_K_M", revision="c" * 40, size_bytes=10**9)


class Client(QObject):
    """What Downloads needs of the engine, with nothing behind it."""

    arrived = Signal(object)
    finished = Signal(str, object)
    failed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.paused: list[bool] = []

    def ask(self, make: Callable[[str], Request]) -> str:
        self.requests.append(make(str(len(self.requests))))
        return self.requests[-1].request_id

    def pause(self, _request_id: str, *, is_paused: bool) -> None:
        self.paused.append(is_paused)

    def cancel(self, request_id: str) -> None:
        self.finished.emit(request_id, FinishedEvent(request_id=request_id, reason="cancelled"))


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def kept() -> list[list[str]]:
    return []


@pytest.fixture
def downloads(client: Client, kept: list[list[str]]) -> Downloads:
    return Downloads(client, kept.append)  # type: ignore[arg-type]


def progress(request_id: str, **values: object) -> TransferProgress:
    told = {"phase": "fetching", "done_bytes": 250 * 10**6, "total_bytes": 10**9} | values
    return TransferProgress(request_id=request_id, **told)  # type: ignore[arg-type]


def test_the_same_files_are_never_fetched_twice_at_a_time(client: Client, downloads: Downloads) -> None:
    first = downloads.start(WANTED, online=True)
    assert downloads.start(WANTED, online=True) is first
    (request,) = client.requests
    assert isinstance(request, PullRequest)
    assert (request.repository, request.file, request.revision, request.online) == (
        "p/r", "m.gguf", "c" * 40, True,
    )  # fmt: skip


def test_several_have_one_fraction_and_the_unfinished_are_kept_for_the_next_start(
    client: Client, downloads: Downloads, kept: list[list[str]]
) -> None:
    downloads.start(WANTED, online=False)
    other = Wanted(repository="p/other", file="o.gguf", title="O")
    downloads.start(other, online=False)
    client.arrived.emit(progress("0"))
    client.arrived.emit(progress("1", done_bytes=750 * 10**6))
    assert downloads.fraction == 0.5
    assert [Wanted.from_json(text) for text in kept[-1]] == [WANTED, other]
    downloads.cancel(downloads.all[0])
    assert [Wanted.from_json(text) for text in kept[-1]] == [other]
    later = Downloads(Client())  # type: ignore[arg-type]
    later.remember([*kept[-1], "nonsense", '{"repository": 1}'])
    (found,) = later.all
    assert (found.phase, found.is_active) == ("kept", False)


def test_what_arrived_of_an_unwanted_one_is_deleted_and_of_no_other(
    client: Client, downloads: Downloads
) -> None:
    downloads.remember([Wanted(repository="p/r", file="m-Q4_K", title="M").to_json()])
    downloads.cancel(downloads.all[0])
    assert downloads.all == ()
    (asked,) = client.requests
    assert isinstance(asked, UnfinishedRequest)
    names = ("m-Q4_K.gguf", "m-Q4_K-00002-of-00003.gguf", "m-Q4_K_M.gguf", "other.gguf")
    left = [unfinished(f"p/r/{name}") for name in names] + [unfinished("p/r2/m-Q4_K.gguf")]
    client.arrived.emit(UnfinishedListed(request_id=asked.request_id, downloads=tuple(left)))
    dropped = client.requests[-1]
    assert isinstance(dropped, DropUnfinishedRequest)
    assert dropped.files == ("p/r/m-Q4_K.gguf.part", "p/r/m-Q4_K-00002-of-00003.gguf.part")


def unfinished(model: str) -> UnfinishedDownload:
    return UnfinishedDownload(
        file=f"{model}.part", model=model, arrived_bytes=1, size_bytes=2, disk_bytes=1, changed_at=1.0,
        is_active=False,
    )  # fmt: skip


def test_a_pause_is_a_wish_that_the_phase_follows(client: Client, downloads: Downloads) -> None:
    download = downloads.start(WANTED, online=False)
    downloads.pause(download)
    wishes = [download.is_pausing]
    downloads.go_on(download, online=False)
    assert [*wishes, download.is_pausing] == client.paused == [True, False]
    assert len(client.requests) == 1


def test_a_failed_one_goes_on_with_what_has_arrived(client: Client, downloads: Downloads) -> None:
    download = downloads.start(WANTED, online=False)
    client.arrived.emit(progress("0"))
    client.failed.emit("0", HubUnreachable("huggingface.co", "it answers 503"))
    assert (download.phase, download.is_active, download.done_bytes) == ("failed", False, 250 * 10**6)
    assert "503" in describe_download(download)
    downloads.go_on(download, online=True)
    assert download.error is None and len(client.requests) == 2


def said(**values: object) -> str:
    return describe_download(Download(WANTED, done_bytes=250 * 10**6, total_bytes=10**9, **values))  # type: ignore[arg-type]


def test_every_phase_has_its_words() -> None:
    assert said(phase="fetching", bytes_per_s=25e6, remaining_s=30.0) == (
        "250.0 MB of 1.0 GB · 25.0 MB/s · 30 s left"
    )
    assert said(phase="fetching") == "250.0 MB of 1.0 GB"
    assert said(phase="waiting", notice="it answers 429") == "250.0 MB of 1.0 GB. It waits: it answers 429"
    assert said(phase="paused") == "Paused at 250.0 MB of 1.0 GB"
    assert said(phase="failed", error=EngineError("a fault")).startswith("The engine reported a failure")
    for phase in ("asked", "checking", "verifying", "kept", "done", "failed"):
        assert said(phase=phase)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_times_are_coarse(seconds: float, text: str) -> None:
    assert duration(seconds) == text

"""A range of a file's bytes over HTTP: redirects, and every way in which the answer may not be that range."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from engine.contract.errors import HubAnswerWrong, HubRefused, NotOnHub
from engine.gateway.hub import Listing, RemoteFile

MAX_REDIRECTS = 5
# The hub's content network gives no answer of more than 50 GB (huggingface_hub#2991), ranges of that it does.
MAX_RANGE_BYTES = 2**35
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_XET_HASH = re.compile(r"[0-9a-f]{64}")
_SHA256 = re.compile(r'"?([0-9a-f]{64})"?')


@dataclass(frozen=True, slots=True)
class XetFile:
    """A file in the hub's store of chunks, as the hub's answer names it."""

    hash: str  # 64 hexadecimal digits, and not that of the bytes
    token_path: str  # where the hub gives out tokens for the store, an address or a part of one


class OnlyByXet(Exception):
    """The hub refuses plain ranges of this file and has it in its store of chunks."""

    def __init__(self, file: XetFile) -> None:
        super().__init__(file.hash)
        self.file = file


@dataclass(frozen=True, slots=True)
class FileAddress:
    """Where a file is fetched from: always by its commit, so that its content cannot change."""

    url: httpx2.URL
    repository: str
    commit: str
    file: RemoteFile

    @classmethod
    def of(cls, endpoint: httpx2.URL, listing: Listing, file: RemoteFile) -> "FileAddress":
        """Where a listed file is."""
        path = f"/{listing.repository}/resolve/{listing.commit}/{quote(file.path)}"
        url = endpoint.copy_with(path=endpoint.path.rstrip("/") + path)
        return cls(url, listing.repository, listing.commit, file)

    @property
    def host(self) -> str:
        """The hub, as people know it."""
        return self.url.host


@contextmanager
def open_range(
    client: httpx2.Client, address: FileAddress, start: int, end: int
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Ask for the bytes from `start` up to `end`; gives the offset at which the answer really begins, and it.

    A server that knows no ranges begins at 0. Raises OnlyByXet, TryAgain, and every NetworkError.
    """
    url, xet = address.url, None
    for _ in range(MAX_REDIRECTS + 1):
        request = client.build_request("GET", url, headers={"Range": f"bytes={start}-{end - 1}"})
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            _check_identity(response, address)
            xet = xet or _xet_file(response)
            if response.status_code in (400, 413) and xet is not None:
                raise OnlyByXet(xet)
            if response.is_redirect and response.headers.get("Location"):
                url = url.join(response.headers["Location"])
                continue
            yield _offset(response, address, start, end), response.iter_raw()
            return
        except httpx2.InvalidURL as error:
            raise HubAnswerWrong(address.host, "it leads to no valid address") from error
        finally:
            response.close()
    raise HubAnswerWrong(address.host, "it leads from one place to the next without end")


def _check_identity(response: httpx2.Response, address: FileAddress) -> None:
    """What the hub says of the file must be what its listing said."""
    headers, file = response.headers, address.file
    if headers.get("X-Repo-Commit", address.commit) != address.commit:
        raise HubAnswerWrong(address.host, f"{file.path} is of another commit than was listed")
    if headers.get("X-Linked-Size", str(file.size_bytes)) != str(file.size_bytes):
        raise HubAnswerWrong(address.host, f"{file.path} has another length than was listed")
    match = _SHA256.fullmatch(headers.get("X-Linked-ETag", ""))
    if match and file.content_hash.kind == "sha256" and match[1] != file.content_hash.hexadecimal:
        raise HubAnswerWrong(address.host, f"{file.path} has another hash than was listed")


def _xet_file(response: httpx2.Response) -> XetFile | None:
    found = response.headers.get("X-Xet-Hash", "")
    path = response.links.get("xet-auth", {}).get("url") or response.headers.get("X-Xet-Refresh-Route", "")
    return XetFile(found, path) if path and _XET_HASH.fullmatch(found) else None


def _offset(response: httpx2.Response, address: FileAddress, start: int, end: int) -> int:
    """Where the answer's body begins in the file."""
    host, path, size_bytes = address.host, address.file.path, address.file.size_bytes
    headers = response.headers
    if response.status_code in (401, 403):
        raise HubRefused(address.repository, "its terms have to be agreed to on the hub, with HF_TOKEN set")
    if response.status_code == 404:
        raise NotOnHub(f"{path} in {address.repository}")
    if headers.get("Content-Type", "").startswith("text/html"):
        raise HubAnswerWrong(host, "a web page came in place of the file; some networks want a login first")
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if match is None or tuple(map(int, match.groups())) != (start, end - 1, size_bytes):
            raise HubAnswerWrong(host, f"another part of {path} came than was asked for")
        return start
    if response.status_code == 200:
        if headers.get("Content-Length", str(size_bytes)) != str(size_bytes):
            raise HubAnswerWrong(host, f"{path} has another length than was listed")
        return 0
    raise HubAnswerWrong(host, f"it answers {response.status_code} for {path}")

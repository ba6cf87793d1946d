"""The transport that every request passes: it lists it, bounds it and knows where the token may go.

Failures that may pass (no connection, 429, 5xx, silence) become `TryAgain` here, so that no library on top
of it tries again by rules of its own: huggingface_hub would wait for as long as a server asks.
"""

import ipaddress
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from msgspec import structs

from engine.contract.errors import HubAnswerWrong, StorageFailed
from engine.gateway.control import Control
from engine.gateway.patience import Patience, TryAgain
from engine.library.network_log import NetworkEntry, NetworkLog

MAX_ANSWER_BYTES = 32 * 2**20  # of what is no file: the listing of a repository of 100,000 files

log = logging.getLogger("retort.gateway")


class Connection(httpx2.BaseTransport):
    """Sends requests to the hub and to where the hub sends us, and to nobody else's inside."""

    def __init__(
        self,
        endpoint: httpx2.URL,
        network_log: NetworkLog,
        patience: Patience,
        *,
        purpose: Callable[[], str],
        token: str = "",
        control: Control | None = None,
        is_for_files: bool = False,
    ) -> None:
        """`is_for_files` takes answers of any length; others end at 32 MiB and `patience.answer_s`."""
        self._endpoint, self._log, self._patience = endpoint, network_log, patience
        self._purpose, self._token, self._control = purpose, token, control
        self._is_for_files = is_for_files
        self._transport = httpx2.HTTPTransport()  # trusts whom the operating system trusts

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one request; raises TryAgain, HubAnswerWrong for a forbidden place, StorageFailed."""
        self._check_place(request.url)
        request.headers.pop("Authorization", None)
        if self._token and request.url.origin == self._endpoint.origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        request.headers["Accept-Encoding"] = "identity"  # a small answer cannot unfold to gigabytes
        patience = self._patience
        request.extensions["timeout"] = {
            "connect": patience.connect_s,
            "read": patience.read_s,
            "write": patience.read_s,
            "pool": patience.connect_s,
        }
        if self._control is not None:
            request.extensions["trace"] = self._control.trace
        entry = self._begin(request)
        try:
            response = self._transport.handle_request(request)
        except httpx2.TransportError as error:
            self._end(entry)
            raise TryAgain(describe_failure(error)) from error
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _ListedStream(
            response.stream,
            lambda received: self._end(
                structs.replace(entry, status=response.status_code, received_bytes=received)
            ),
            None if self._is_for_files else time.monotonic() + patience.answer_s,
            request.url.host,
        )
        if response.status_code in (408, 429) or response.status_code >= 500:
            response.stream.close()
            raise TryAgain(f"it answers {response.status_code}", asked_wait_s(response.headers))
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.stream.close()
            raise HubAnswerWrong(request.url.host, "it is packed, although that was not asked for")
        return response

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def _check_place(self, url: httpx2.URL) -> None:
        """An answer may lead to other hosts of the internet, in the clear or into this network never."""
        if url.scheme not in (self._endpoint.scheme, "https"):
            raise HubAnswerWrong(self._endpoint.host, f"it leads to {url.scheme}:, which is not followed")
        if is_inside(url.host) and not is_inside(self._endpoint.host):
            raise HubAnswerWrong(self._endpoint.host, f"it leads to {url.host}, inside this network")

    def _begin(self, request: httpx2.Request) -> NetworkEntry:
        entry = NetworkEntry(
            id=uuid.uuid4().hex[:12],
            time=time.time(),
            method=request.method,
            host=request.url.host,
            purpose=self._purpose(),
        )
        try:
            self._log.note(entry)
        except OSError as error:  # what cannot be listed is not done
            raise StorageFailed("the list of requests", error.strerror or str(error)) from error
        return entry

    def _end(self, entry: NetworkEntry) -> None:
        try:
            self._log.note(structs.replace(entry, has_ended=True))
        except (OSError, StorageFailed) as error:  # its beginning is listed
            log.warning("the end of a request could not be listed: %s", error)


class _ListedStream(httpx2.SyncByteStream):
    """An answer's body: counted, and bounded where it is no file."""

    def __init__(
        self,
        stream: httpx2.SyncByteStream,
        on_end: Callable[[int], None],
        deadline: float | None,
        host: str,
    ) -> None:
        self._stream, self._on_end, self._deadline, self._host = stream, on_end, deadline, host
        self._received_bytes = 0
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                self._received_bytes += len(piece)
                if self._deadline is not None:
                    if self._received_bytes > MAX_ANSWER_BYTES:
                        raise HubAnswerWrong(self._host, f"it is longer than {MAX_ANSWER_BYTES >> 20} MiB")
                    if time.monotonic() > self._deadline:
                        raise TryAgain("its answer takes too long")
                yield piece
        except httpx2.TransportError as error:
            raise TryAgain(describe_failure(error)) from error

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._stream.close()
            self._on_end(self._received_bytes)


def is_inside(host: str) -> bool:
    """Whether a host's name or number stands for this computer or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False  # a name of the internet


def describe_failure(error: httpx2.TransportError) -> str:
    """A failed connection in a few words."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return "no connection could be made in time"
    if isinstance(error, httpx2.TimeoutException):
        return "nothing came for too long"
    if isinstance(error, httpx2.ConnectError):
        return f"no connection could be made ({error})"
    return f"the connection broke ({error or type(error).__name__})"


def asked_wait_s(headers: httpx2.Headers) -> float | None:
    """How long `Retry-After` asks to wait, in either of its forms; None where it does not."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

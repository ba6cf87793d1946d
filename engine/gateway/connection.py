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
from typing import Any

import httpx2
from msgspec import structs

from engine.contract.catalogue_messages import NetworkEntry
from engine.contract.errors import HubAnswerWrong, StorageFailed
from engine.gateway.control import Control
from engine.gateway.patience import Patience, TryAgain
from engine.library.network_log import NetworkLog

MAX_ANSWER_BYTES = 32 * 2**20  # of what is no file: the listing of a repository of 100,000 files

_PRIVATE = tuple(
    ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)

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
        self._is_hub_inside = False
        self._transport = httpx2.HTTPTransport()  # trusts whom the operating system trusts

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Make one request; raises TryAgain, HubAnswerWrong for a forbidden place, StorageFailed."""
        check_place(self._endpoint, request.url)
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
        request.extensions["trace"] = lambda event, info: self._on_event(request.url, event, info)
        entry = begin_entry(self._log, request.method, request.url.host, self._purpose())
        try:
            response = self._transport.handle_request(request)
        except httpx2.TransportError as error:
            end_entry(self._log, entry)
            raise TryAgain(describe_failure(error)) from error
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _ListedStream(
            response.stream,
            lambda received: end_entry(
                self._log, structs.replace(entry, status=response.status_code, received_bytes=received)
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

    def _on_event(self, url: httpx2.URL, event: str, info: dict[str, Any]) -> None:
        """What httpx2 tells of a request as it goes on; raises HubAnswerWrong, before anything was sent."""
        if event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            is_inside_here = is_private_number(stream.get_extra_info("server_addr")[0])
            if url.host == self._endpoint.host:
                self._is_hub_inside = is_inside_here  # a mirror of one's own
            elif is_inside_here and not (self._is_hub_inside or is_inside(self._endpoint.host)):
                stream.close()
                raise HubAnswerWrong(self._endpoint.host, f"it leads to {url.host}, inside this network")
        if self._control is not None:
            self._control.trace(event, info)


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


def begin_entry(network_log: NetworkLog, method: str, host: str, purpose: str) -> NetworkEntry:
    """List a request that is about to be made; raises StorageFailed: what cannot be listed is not done."""
    entry = NetworkEntry(
        id=uuid.uuid4().hex[:12], time=time.time(), method=method, host=host, purpose=purpose
    )
    try:
        network_log.note(entry)
    except OSError as error:
        raise StorageFailed("the list of requests", error.strerror or str(error)) from error
    return entry


def end_entry(network_log: NetworkLog, entry: NetworkEntry) -> None:
    """List that it has ended."""
    try:
        network_log.note(structs.replace(entry, has_ended=True))
    except (OSError, StorageFailed) as error:  # its beginning is listed
        log.warning("the end of a request could not be listed: %s", error)


def check_place(endpoint: httpx2.URL, url: httpx2.URL) -> None:
    """A hub may lead to other hosts of the internet, in the clear or into this network never.

    Raises HubAnswerWrong.
    """
    if url.scheme not in (endpoint.scheme, "https"):
        raise HubAnswerWrong(endpoint.host, f"it leads to {url.scheme}:, which is not followed")
    if is_inside(url.host) and not is_inside(endpoint.host):
        raise HubAnswerWrong(endpoint.host, f"it leads to {url.host}, inside this network")


def is_inside(host: str) -> bool:
    """Whether a host's name or number stands for this computer or a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return last[:1].isdigit()  # no name of the internet, but a number in disguise


def is_private_number(number: str) -> bool:
    """Whether an address that was connected to is this computer's or a private network's.

    Ranges that others reserve are not: some tunnels give every name of the internet an address of those.
    """
    address = ipaddress.ip_address(number.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    if address.is_loopback or address.is_link_local or address.is_unspecified:
        return True
    return any(address in network for network in _PRIVATE if network.version == address.version)


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

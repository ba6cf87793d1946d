"""Whether there is a newer Retort: one small signed file, read only when somebody asks.

Its first line is the signature of the rest, in base64; the rest is JSON. What the network can do with it:
nothing but hold it back. Another file is not signed, an older one has a lower serial than the last that was
seen, and one that nobody renewed ends at its date.
"""

import base64
import datetime
import os
from pathlib import Path

import httpx2
import msgspec

from engine.contract.errors import HubAnswerWrong, HubUnreachable, InvalidRequest, NotOnHub
from engine.contract.paths import Paths, public_address, resources
from engine.contract.update_messages import UpdateRequest, UpdateTold
from engine.contract.version import RETORT_VERSION
from engine.gateway.connection import Connection
from engine.gateway.control import Control
from engine.gateway.patience import Patience, Tries
from engine.gateway.signature import is_signed
from engine.library.atomic_file import write_atomically
from engine.library.network_log import NetworkLog

MAX_BYTES = 64 * 1024
SIGNED_PREFIX = b"retort-release-1\n"  # so that a signature of anything else is none of a release
MAX_NEWS, MAX_WORDS = 20, 300


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the signed file says; `packaging/sign_release.py` writes it."""

    serial: int  # grows with every file that is signed
    version: str
    date: datetime.date
    expires: datetime.date
    news: tuple[str, ...]
    page: str


class _Seen(msgspec.Struct, frozen=True):
    serial: int


class UpdateCheck:
    """Asks one place. For any thread."""

    def __init__(self, paths: Paths, patience: Patience, public_key: bytes | None = None) -> None:
        """RETORT_RELEASES names another place; the key is that in resources. Nothing is asked yet."""
        self._paths, self._patience = paths, patience
        self._log = NetworkLog(paths.network_log)
        self._key = public_key or base64.b64decode((resources() / "release-key.pub").read_text())

    def check(self, request: UpdateRequest, control: Control) -> UpdateTold:
        """The newest release; raises NetworkError, InvalidRequest where no place is known."""
        address = os.environ.get("RETORT_RELEASES") or public_address("releases")
        if not address:
            raise InvalidRequest("this build does not know where newer versions are announced")
        place = httpx2.URL(address)
        release = self._read(self._fetch(place, control), place.host)
        return UpdateTold(
            request_id=request.request_id,
            version=release.version,
            date=release.date.isoformat(),
            is_newer=version_numbers(release.version) > version_numbers(RETORT_VERSION),
            news=tuple(text[:MAX_WORDS] for text in release.news[:MAX_NEWS]),
            page=release.page,
        )

    def _fetch(self, place: httpx2.URL, control: Control) -> bytes:
        connection = Connection(
            place, self._log, self._patience, purpose=lambda: "looking for a newer version", control=control
        )
        tries = Tries(self._patience, place.host, lambda seconds, _reason: control.wait(seconds))
        with httpx2.Client(transport=connection, follow_redirects=True, max_redirects=5) as client:
            try:
                status, content = tries.until_done(lambda: _read_answer(client, place))
            except httpx2.HTTPError as error:
                raise HubAnswerWrong(place.host, str(error) or type(error).__name__) from error
        control.check()
        if status == 404:
            raise NotOnHub("announcement of releases")
        if status != 200:
            raise HubUnreachable(place.host, f"it answers {status}")
        return content

    def _read(self, content: bytes, host: str) -> Release:
        """The release in a file; raises HubAnswerWrong with the reason why it is not believed."""
        if len(content) > MAX_BYTES:
            raise HubAnswerWrong(host, f"it is longer than {MAX_BYTES >> 10} KiB")
        line, _, body = content.partition(b"\n")
        try:
            signature = base64.b64decode(line.strip(), validate=True)
        except ValueError:
            signature = b""
        if not is_signed(SIGNED_PREFIX + body, signature, self._key):
            raise HubAnswerWrong(host, "it is not signed by whoever makes Retort")
        try:
            release = msgspec.json.decode(body, type=Release)
            version_numbers(release.version)
        except (msgspec.DecodeError, ValueError) as error:
            raise HubAnswerWrong(host, f"it is not understood ({str(error)[:120]})") from error
        if httpx2.URL(release.page).scheme != "https":
            raise HubAnswerWrong(host, "it leads to no page of the web")
        if release.expires < datetime.datetime.now(datetime.UTC).date():
            raise HubAnswerWrong(host, f"it was good until {release.expires}")
        self._note_serial(release.serial, host)
        return release

    def _note_serial(self, serial: int, host: str) -> None:
        """Refuse what is older than what was seen before, and remember the newest."""
        seen = self._paths.data / "release-seen.json"
        known = _seen_serial(seen)
        if serial < known:
            raise HubAnswerWrong(host, f"it is number {serial}, and number {known} was seen before")
        if serial > known:
            write_atomically(seen, msgspec.json.encode(_Seen(serial)))


def version_numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that compare, for example (0, 10, 2); raises ValueError for what is none."""
    numbers = tuple(int(part) for part in version.split(".") if part.isascii() and part.isdecimal())
    if len(numbers) != 3 or len(version) > 32 or version.count(".") != 2:
        raise ValueError(f"{version[:40]!r} is no version of three numbers")
    return numbers


def _read_answer(client: httpx2.Client, place: httpx2.URL) -> tuple[int, bytes]:
    """Status and content, one byte longer than is allowed at most."""
    content = b""
    with client.stream("GET", place) as response:
        for piece in response.iter_raw():
            content += piece
            if len(content) > MAX_BYTES:
                break
        return response.status_code, content[: MAX_BYTES + 1]


def _seen_serial(path: Path) -> int:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Seen).serial
    except (OSError, msgspec.DecodeError):
        return 0

"""The announcement of releases: believed only if it is signed, not older than the last and not over."""

import base64
import datetime
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sign_release

from engine.contract.errors import HubAnswerWrong, InvalidRequest, NotOnHub
from engine.contract.paths import Paths, resources
from engine.contract.update_messages import UpdateRequest, UpdateTold
from engine.contract.version import RETORT_VERSION
from engine.gateway.control import Control
from engine.gateway.signature import is_signed
from engine.gateway.updates import MAX_BYTES, UpdateCheck, version_numbers
from engine.library.network_log import NetworkLog
from tests.gateway.conftest import LITTLE
from tests.support.fake_hub import FakeHub

# RFC 8032, 7.1, test 2
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="signing needs openssl")


class Announcements:
    """A place on this computer that announces releases, and the key they are signed with."""

    def __init__(self, folder: Path, hub: FakeHub) -> None:
        self.private, self._folder, self.hub = folder / "key.pem", folder, hub
        public = folder / "key.pub"
        sign_release.make_key(self.private, public)
        self.public_key = base64.b64decode(public.read_text())

    def announce(self, **changes: Any) -> bytes:
        """Sign and offer a release, with other values where a test wants them."""
        today = datetime.datetime.now(datetime.UTC).date()
        release = {
            "serial": 5,
            "version": "99.0.0",
            "date": today.isoformat(),
            "expires": (today + datetime.timedelta(days=90)).isoformat(),
            "news": ["It is faster."],
            "page": "https://example.org/retort",
        } | changes
        target = self._folder / "release.signed"
        sign_release.sign(json.dumps(release).encode(), self.private, target)
        self.offer(target.read_bytes())
        return target.read_bytes()

    def offer(self, content: bytes) -> None:
        """Offer any bytes."""
        self.hub.add("acme/retort", {"release": content}, commit="c" * 40)


@pytest.fixture
def announcements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Announcements]:
    with FakeHub() as hub:
        monkeypatch.setenv("RETORT_RELEASES", f"{hub.endpoint}/acme/retort/resolve/{'c' * 40}/release")
        yield Announcements(tmp_path, hub)


@pytest.fixture
def check(announcements: Announcements) -> Callable[[], UpdateTold]:
    paths = Paths.from_environment()
    paths.ensure()
    updates = UpdateCheck(paths, LITTLE, announcements.public_key)
    return lambda: updates.check(UpdateRequest(request_id="u"), Control())


def test_the_signature_of_the_standard_is_right_and_no_other() -> None:
    assert is_signed(b"\x72", SIGNATURE, PUBLIC)
    assert not is_signed(b"\x73", SIGNATURE, PUBLIC)
    assert not is_signed(b"\x72", SIGNATURE[:-1] + b"\x01", PUBLIC)
    assert not is_signed(b"\x72", SIGNATURE[:-1], PUBLIC)
    assert not is_signed(b"\x72", b"", PUBLIC)
    with pytest.raises(ValueError, match="32 bytes"):
        is_signed(b"\x72", SIGNATURE, PUBLIC[:-1])


@needs_openssl
def test_a_newer_version_is_told_and_the_request_listed(
    announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    announcements.announce()
    told = check()
    assert (told.version, told.is_newer, told.news) == ("99.0.0", True, ("It is faster.",))
    entries = NetworkLog(Paths.from_environment().network_log).entries()
    assert [entry.purpose for entry in entries] == ["looking for a newer version"]


@needs_openssl
@pytest.mark.parametrize("version", [RETORT_VERSION, "0.0.9"])
def test_the_same_or_an_older_version_is_no_news(
    version: str, announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    announcements.announce(version=version)
    assert not check().is_newer


@needs_openssl
def test_a_changed_announcement_is_refused(
    announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    signed = announcements.announce()
    line, _, body = signed.partition(b"\n")
    for forged in (
        line + b"\n" + body.replace(b"99.0.0", b"99.0.1"),
        body,
        b"\n" + body,
        base64.b64encode(bytes(64)) + b"\n" + body,
        b"not base64!\n" + body,
        b"",
    ):
        announcements.offer(forged)
        with pytest.raises(HubAnswerWrong, match="not signed"):
            check()
    announcements.offer(signed)
    assert check().version == "99.0.0"


@needs_openssl
def test_another_key_is_not_believed(
    announcements: Announcements, check: Callable[[], UpdateTold], tmp_path: Path
) -> None:
    sign_release.make_key(tmp_path / "other.pem", tmp_path / "other.pub")
    announcements.private = tmp_path / "other.pem"
    announcements.announce()
    with pytest.raises(HubAnswerWrong, match="not signed"):
        check()


@needs_openssl
def test_an_older_announcement_than_the_last_is_refused(
    announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    announcements.announce(serial=7, version="99.1.0")
    assert check().version == "99.1.0"
    assert check().version == "99.1.0"  # the same once more is none
    announcements.announce(serial=6, version="99.2.0")
    with pytest.raises(HubAnswerWrong, match="number 6, and number 7 was seen"):
        check()


@needs_openssl
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires": "2020-01-01"}, "good until 2020-01-01"),
        ({"page": "file:///etc/passwd"}, "no page of the web"),
        ({"page": "javascript:alert(1)"}, "no page of the web"),
        ({"version": "99"}, "not understood"),
        ({"version": "1.0.0-evil"}, "not understood"),
        ({"more": 1}, "not understood"),
    ],
)
def test_what_makes_no_sense_is_refused_although_it_is_signed(
    changes: dict[str, Any], reason: str, announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    announcements.announce(**changes)
    with pytest.raises(HubAnswerWrong, match=reason):
        check()


@needs_openssl
def test_an_answer_without_end_is_broken_off(
    announcements: Announcements, check: Callable[[], UpdateTold]
) -> None:
    announcements.offer(b"x" * (MAX_BYTES + 20 * 2**20))
    with pytest.raises(HubAnswerWrong, match="longer than 64 KiB"):
        check()
    assert announcements.hub.sent_bytes < 18 * 2**20


@needs_openssl
def test_no_announcement_is_said(announcements: Announcements, check: Callable[[], UpdateTold]) -> None:
    with pytest.raises(NotOnHub):
        check()


def test_a_build_that_knows_no_place_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RETORT_RELEASES", raising=False)
    monkeypatch.setattr("engine.gateway.updates.public_address", lambda _name: "")
    paths = Paths.from_environment()
    paths.ensure()
    with pytest.raises(InvalidRequest, match="does not know"):
        UpdateCheck(paths, LITTLE).check(UpdateRequest(request_id="u"), Control())
    assert len(base64.b64decode((resources() / "release-key.pub").read_text())) == 32


def test_versions_compare_as_numbers() -> None:
    assert version_numbers("0.10.0") > version_numbers("0.9.9")
    for bad in ("", "1.0", "1.0.0.0", "1.0.x", "v1.0.0", "1.0.0 ", "1.0.-1", "9" * 40 + ".0.0"):
        with pytest.raises(ValueError, match="no version"):
            version_numbers(bad)


@needs_openssl
def test_the_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    sign_release.make_key(tmp_path / "key.pem", tmp_path / "key.pub")
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(SystemExit, match="is there already"):
        sign_release.make_key(tmp_path / "key.pem", tmp_path / "key.pub")
    found = subprocess.run(["git", "ls-files", "*.pem", "*.key"], capture_output=True, text=True, check=True)
    assert found.stdout == ""

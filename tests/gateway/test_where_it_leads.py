"""Where a hub may lead, and with whom: never into this network, never with the token, never unvouched for."""

import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.contract.errors import HubAnswerWrong, HubUnreachable
from engine.contract.paths import Paths
from engine.gateway.connection import Connection, is_private_number
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.library.network_log import NetworkLog
from tests.gateway.conftest import LITTLE, Pull
from tests.support.fake_hub import FakeHub, FakeHubHandler, FileRequest

BODY = bytes(range(251)) * 1200


def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, paths: Paths, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    options = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-nodes", "-x509")
    command = ("openssl", "req", *options, "-newkey", "rsa:2048")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    where = ("-keyout", str(certificate), "-out", str(tmp_path / "public.pem"))
    if subprocess.run([*command, *where], capture_output=True, check=False).returncode:
        pytest.skip("this openssl makes no such certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "public.pem", certificate)
    with FakeHub(context) as fake:
        fake.add("acme/tiny", {"tiny.gguf": BODY})
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        client = Hub(NetworkLog(paths.network_log), LITTLE)
        with pytest.raises(HubUnreachable, match="certificate"):
            client.list("acme/tiny", "", Control())
        client.close()
        assert fake.paths == []


def test_the_token_does_not_follow_to_another_host(hub: FakeHub, paths: Paths, pull: Pull) -> None:
    with FakeHub() as other:
        other.add("acme/tiny", {"tiny.gguf": BODY})

        def tell(handler: FakeHubHandler, request: FileRequest, content: bytes) -> bool:
            handler.send_whole(302, b"", {"Location": other.endpoint + handler.path})
            return True

        hub.add("acme/tiny", {"tiny.gguf": BODY})
        hub.file_lie = tell
        pulled = pull()
        assert Path(pulled.model.path).read_bytes() == BODY
        assert [request.authorization for request in hub.requests] == ["Bearer hf_secret"]
        assert [request.authorization for request in other.requests] == [""]


INSIDE = (
    "http://hub.example/x",  # in the clear
    "https://127.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://192.168.1.1/x",
    "https://localhost/x",
    "https://printer.local/x",
    "https://2130706433/x",  # numbers in disguise
    "https://0x7f.1/x",
    "https://127.1/x",
    "https://127.0.0.1./x",
)


@pytest.mark.parametrize("url", INSIDE)
def test_a_hub_of_the_internet_never_leads_into_this_network(paths: Paths, url: str) -> None:
    connection = Connection(
        httpx2.URL("https://hub.example"), NetworkLog(paths.network_log), LITTLE, purpose=lambda: "test"
    )
    with pytest.raises(HubAnswerWrong, match="leads to"):
        connection.handle_request(httpx2.Request("GET", url))
    connection.close()
    assert NetworkLog(paths.network_log).entries() == []


def test_a_name_of_the_internet_with_an_address_of_this_network_is_not_spoken_to(
    hub: FakeHub, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = httpx2.URL(hub.endpoint).port
    resolve = socket.getaddrinfo

    def rebound(_host: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    connection = Connection(
        httpx2.URL("https://hub.example"), NetworkLog(paths.network_log), LITTLE, purpose=lambda: "test"
    )
    with pytest.raises(HubAnswerWrong, match="inside this network"):
        connection.handle_request(httpx2.Request("GET", f"https://cdn.example:{port}/x"))
    connection.close()
    assert hub.paths == []


@pytest.mark.parametrize(
    ("number", "is_private"),
    [
        ("10.1.2.3", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.0.1", True),
        ("3.171.1.2", False),
        ("2600:9000::1", False),
        ("198.18.0.5", False),
        ("100.64.0.1", False),
    ],
)
def test_which_addresses_are_inside(number: str, is_private: bool) -> None:
    assert is_private_number(number) == is_private

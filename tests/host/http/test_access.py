"""Who may knock at the HTTP server: raw requests, as browsers and strangers would send them."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.host.http.conftest import KEY, Server

QUESTION = {"model": "fake", "messages": [{"role": "user", "content": "Hi"}]}
GOOD = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


def send(
    server: Server,
    headers: dict[str, str],
    *,
    method: str = "POST",
    path: str = "/chat/completions",
    body: bytes | None = None,
) -> tuple[int, dict[str, object]]:
    url = urlsplit(server.url)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    content = json.dumps(QUESTION).encode() if body is None and method == "POST" else body
    connection.request(method, url.path + path, content, headers)
    response = connection.getresponse()
    answer = json.loads(response.read() or b"{}")
    connection.close()
    return response.status, answer


def test_the_right_key_gets_an_answer(server: Server) -> None:
    status, answer = send(server, GOOD)
    assert status == 200
    assert answer["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:80"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
    ids=str,
)
def test_what_a_web_page_or_a_stranger_sends_is_refused(
    server: Server, headers: dict[str, str], status: int
) -> None:
    got, answer = send(server, GOOD | headers)
    assert got == status
    assert "error" in answer


def test_a_preflight_of_a_web_page_is_refused(server: Server) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert send(server, headers, method="OPTIONS")[0] == 403


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "truncated"),
        (b"{nonsense}", "JSON"),
        (b"\xff", "malformed"),
        (b"[]", "object"),
        (b'{"model":"fake"}', "messages"),
        (b'{"model":"fake","messages":[]}', "messages must not be empty"),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"temperature":-1}', "temperature"),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"temperature":"hot"}', "temperature"),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"n":2}', "n has to be 1"),
        (b'{"model":"fake","messages":[{"role":"wizard","content":"x"}]}', "wizard"),
        (b'{"model":"fake","messages":[{"role":"user","content":[{"type":"image_url"}]}]}', "image_url"),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"tools":[{}]}', "tools"),
        (
            b'{"model":"fake","messages":[{"role":"user","content":"x"}],"logit_bias":{"a":1}}',
            "invalid literal",
        ),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"stop":[""]}', "stop string"),
        (b'{"model":"fake","messages":[{"role":"user","content":"x"}],"max_tokens":-5}', "max_tokens"),
    ],
)
def test_a_bad_body_is_a_400_that_says_what_is_wrong(server: Server, body: bytes, reason: str) -> None:
    status, answer = send(server, GOOD, body=body)
    assert status == 400
    assert reason in str(answer["error"])


def test_a_body_without_end_is_cut_off(server: Server) -> None:
    status, _ = send(server, GOOD, body=b'{"model":"' + b"x" * (17 * 2**20))
    assert status == 413


def test_unknown_endpoints_models_and_methods_say_so(server: Server) -> None:
    assert send(server, GOOD, method="GET", path="/nothing")[0] == 404
    assert send(server, GOOD, method="GET", path="/chat/completions")[0] == 405
    assert send(server, GOOD, body=json.dumps(QUESTION | {"model": "../../etc/passwd"}).encode())[0] == 404

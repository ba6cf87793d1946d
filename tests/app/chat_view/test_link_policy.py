import pytest

from app.chat_view.link_policy import doubts, is_allowed


@pytest.mark.parametrize("target", ["https://example.org/a?b#c", "http://x.y", "mailto:someone@example.org"])
def test_addresses_of_the_web_and_of_people_may_be_opened(target: str) -> None:
    assert is_allowed(target)
    assert doubts(target, "here") == ""


REFUSED = (
    "file:///etc/passwd javascript:x data:text/html,x //host/share \\\\host\\share ftp://x x "
    "http:// https:///path http://[bad vscode://file/x smb://host/share"
)


@pytest.mark.parametrize("target", ["", *REFUSED.split(" ")])
def test_nothing_else_may(target: str) -> None:
    assert not is_allowed(target)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("https://evil.example", "https://bank.example"),
        ("https://evil.example", "www.bank.example/login"),
        ("https://xn--pple-43d.com", "apple"),
        ("https://аpple.com", "apple"),
        ("https://bank.example@evil.example", "here"),
    ],
)
def test_what_may_not_be_what_it_seems_is_asked_about(target: str, text: str) -> None:
    assert doubts(target, text)


def test_a_text_that_names_the_same_place_raises_no_doubt() -> None:
    assert doubts("https://www.example.org/long/path", "example.org") == ""
    assert doubts("https://example.org", "the e.g. example") == ""

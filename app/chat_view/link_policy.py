"""Which links lead anywhere, and which ones are asked about first. Opens nothing."""

import re
from urllib.parse import SplitResult, urlsplit

from app.translation import tr

LINK_SCHEMES = ("http", "https", "mailto")
_LOOKS_LIKE_ADDRESS = re.compile(r"^(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})(?:[/:?#]|$)", re.IGNORECASE)


def is_allowed(target: str) -> bool:
    """Whether a link may be opened at all when it is clicked."""
    parts = _split(target)
    return (
        parts is not None
        and parts.scheme in LINK_SCHEMES
        and bool(parts.hostname or parts.scheme == "mailto")
    )


def doubts(target: str, text: str) -> str:
    """Why someone should look twice before opening a link; empty where nothing speaks against it."""
    parts = _split(target)
    if parts is None or parts.scheme == "mailto":
        return ""
    host = parts.hostname or ""
    if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        return tr("Its address contains letters that can look like others.")
    if parts.username is not None:
        return tr("Its address begins with something that is not where it leads.")
    named = _LOOKS_LIKE_ADDRESS.match(text.strip())
    if named and _without_www(named[1].lower()) != _without_www(host):
        return tr("It says {shown}, but leads to {host}.", shown=named[1], host=host)
    return ""


def _split(target: str) -> SplitResult | None:
    try:
        return urlsplit(target)
    except ValueError:
        return None


def _without_www(host: str) -> str:
    return host.removeprefix("www.")

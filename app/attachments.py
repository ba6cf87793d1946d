"""How files and long pastes become attachments of a message."""

from pathlib import Path

from app.conversations.message import Attachment
from app.translation import format_bytes, tr

LONG_PASTE = 4000  # characters; a paste above this becomes an attachment
MOST_BYTES = 2 * 2**20  # of a file; about half a million tokens
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class AttachmentRefused(Exception):
    """A file that cannot go with a message; the message says why, in the user's language."""


def read_attachment(path: Path) -> Attachment:
    """The text of a file; raises AttachmentRefused for one that is too large, unreadable or no text."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise AttachmentRefused(
                tr(
                    "{name} has {size}; a text file of at most {most} can be attached.",
                    name=path.name,
                    size=format_bytes(size),
                    most=format_bytes(MOST_BYTES),
                )
            )
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise AttachmentRefused(
            tr("{name} cannot be read: {reason}.", name=path.name, reason=reason)
        ) from error
    return Attachment(name=path.name, text=_decode(content, path.name), size_bytes=size)


def pasted_text(name: str, text: str) -> Attachment:
    """A paste as an attachment."""
    return Attachment(name=name, text=text, size_bytes=len(text.encode("utf-8", "replace")))


def _decode(content: bytes, name: str) -> str:
    encoding = next((e for sign, e in _BYTE_ORDER_MARKS.items() if content.startswith(sign)), "utf-8")
    if encoding != "utf-16" and b"\0" in content:
        raise AttachmentRefused(tr("{name} is not a text file.", name=name))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")  # what else there is on most computers
    return text.replace("\r\n", "\n")

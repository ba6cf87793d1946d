"""The two hashes by which a hub names a file's content: SHA-256 for large files, git's own for small ones."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

PIECE_BYTES = 4 * 2**20


class Hash(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The hash of all bytes so far."""


@dataclass(frozen=True, slots=True)
class ContentHash:
    """What a file's bytes must come to."""

    kind: str  # "sha256", or "git" for the SHA-1 of a git blob
    hexadecimal: str

    def __post_init__(self) -> None:
        """Refuse what is no hash: it becomes a file's name here."""
        length = {"sha256": 64, "git": 40}[self.kind]
        if len(self.hexadecimal) != length or set(self.hexadecimal) - set("0123456789abcdef"):
            raise ValueError(f"{self.hexadecimal[:80]!r} is no {self.kind} hash")

    @property
    def file_stem(self) -> str:
        """How the unfinished file is called."""
        return self.hexadecimal if self.kind == "sha256" else f"git-{self.hexadecimal}"

    def start(self, size_bytes: int) -> Hash:
        """A hash to feed the file's bytes into."""
        if self.kind == "sha256":
            return hashlib.sha256()
        # git hashes a header before the content; SHA-1 names the content here, TLS protects it
        return hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)


class RunningHash:
    """A file's hash while it is written mostly in order; what comes out of order is read again at the end."""

    def __init__(self, content_hash: ContentHash, size_bytes: int) -> None:
        """Nothing is hashed."""
        self._content_hash, self._size_bytes = content_hash, size_bytes
        self._restart()

    def take(self, offset: int, data: bytes) -> None:
        """Bytes were written, or found, at this place."""
        if offset == self._length:
            self._hash.update(data)
            self._length += len(data)
        elif offset < self._length:  # what was hashed is there no longer
            self._restart()

    def finish(self, file: BinaryIO) -> Iterator[int]:
        """Read what is left to hash; yields the length that is hashed so far."""
        file.seek(self._length)
        while self._length < self._size_bytes and (data := file.read(PIECE_BYTES)):
            self.take(self._length, data)
            yield self._length

    @property
    def is_right(self) -> bool:
        """Whether the whole file is hashed and is what it must be."""
        return self._length == self._size_bytes and self.hexadecimal == self._content_hash.hexadecimal

    @property
    def hexadecimal(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()

    def _restart(self) -> None:
        self._hash = self._content_hash.start(self._size_bytes)
        self._length = 0

"""A file of what a slot held: token ids, the backend's state of them, checkpoints, and a hash over all of it.

llama.cpp ends the process over a session file that was cut short, so Retort has a container of its own:

    magic, length of the header     12 bytes, little endian
    header                          JSON: whose state it is, and how long each part is
    token ids                       int32, little endian
    state, checkpoints              bytes of the backend
    SHA-256 of all before it        32 bytes

A file is written under another name, flushed to the disk and renamed: under its own name it is whole.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from engine.generation.held import Checkpoint

MAGIC = b"RTSTATE1"
_PROLOGUE = struct.Struct("<8sI")
_HASH_BYTES = 32
_TOKEN_BYTES = 4
MAX_HEADER_BYTES = 2**16
PART_NAME = ".writing"


class StateFileDamaged(Exception):
    """The file is not what was once written; the text says in what."""


class StateHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose state a file holds, and the lengths from which every offset follows."""

    model_key: str
    num_tokens: int
    state_bytes: int
    checkpoints: tuple[tuple[int, int], ...] = ()  # tokens and bytes of each

    @property
    def body_bytes(self) -> int:
        """Everything between the header and the hash."""
        return _TOKEN_BYTES * self.num_tokens + self.state_bytes + sum(size for _, size in self.checkpoints)

    def check(self) -> None:
        """Raise StateFileDamaged for lengths that cannot be."""
        lengths = [self.num_tokens, self.state_bytes, *(value for pair in self.checkpoints for value in pair)]
        if min(lengths) < 0 or any(length > self.num_tokens for length, _ in self.checkpoints):
            raise StateFileDamaged("its lengths contradict each other")


def write_state(
    path: Path, model_key: str, token_ids: Sequence[int], state: bytes, checkpoints: Sequence[Checkpoint]
) -> int:
    """Write a state so that `path` is whole or not there; returns its size in bytes. Raises OSError."""
    header = msgspec.json.encode(
        StateHeader(
            model_key=model_key,
            num_tokens=len(token_ids),
            state_bytes=len(state),
            checkpoints=tuple((point.length, len(point.state)) for point in checkpoints),
        )
    )
    tokens = np.asarray(token_ids, "<i4").tobytes()
    parts = [_PROLOGUE.pack(MAGIC, len(header)), header, tokens, state, *(p.state for p in checkpoints)]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    writing = path.with_name(f"{path.name}.{os.getpid()}{PART_NAME}")
    digest = hashlib.sha256()
    try:
        with open(writing, "wb", opener=_private) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        writing.replace(path)
    finally:
        writing.unlink(missing_ok=True)
    return sum(map(len, parts)) + _HASH_BYTES


def read_tokens(path: Path) -> tuple[StateHeader, np.ndarray]:
    """The header and the token ids (T,), without reading the state or its hash.

    Raises StateFileDamaged or OSError.
    """
    with path.open("rb") as file:
        header, _ = _read_header(file)
        data = file.read(_TOKEN_BYTES * header.num_tokens)
    return header, np.frombuffer(data, "<i4")


def read_state(path: Path) -> tuple[bytes, list[Checkpoint]]:
    """The state and its checkpoints, once length and hash have been found right.

    Raises StateFileDamaged or OSError.
    """
    with path.open("rb") as file:
        header, beginning = _read_header(file)
        body = file.read(header.body_bytes)
        expected = file.read(_HASH_BYTES)
    digest = hashlib.sha256(beginning)
    digest.update(body)
    if digest.digest() != expected:
        raise StateFileDamaged("its hash is another one")
    view, offset = memoryview(body), _TOKEN_BYTES * header.num_tokens
    state = bytes(view[offset : offset + header.state_bytes])
    offset += header.state_bytes
    checkpoints = []
    for length, size in header.checkpoints:
        checkpoints.append(Checkpoint(length, bytes(view[offset : offset + size])))
        offset += size
    return state, checkpoints


def _read_header(file: BinaryIO) -> tuple[StateHeader, bytes]:
    """The header and the bytes up to its end; the file has the length that follows from it."""
    prologue = file.read(_PROLOGUE.size)
    if len(prologue) < _PROLOGUE.size:
        raise StateFileDamaged("it is cut short")
    magic, header_bytes = _PROLOGUE.unpack(prologue)
    if magic != MAGIC or header_bytes > MAX_HEADER_BYTES:
        raise StateFileDamaged("it is no file of a state")
    data = file.read(header_bytes)
    try:
        header = msgspec.json.decode(data, type=StateHeader)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateFileDamaged(f"its header cannot be read: {error}") from error
    header.check()
    expected = _PROLOGUE.size + header_bytes + header.body_bytes + _HASH_BYTES
    if (size := os.fstat(file.fileno()).st_size) != expected:
        raise StateFileDamaged(f"it has {size} bytes instead of {expected}")
    return header, prologue + data


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""A model's header as it was read from the hub, in a form that the wire carries.

`engine.library.remote_header` makes of it what is made of a file on this disk, so that whatever reckons with
headers (fit, active parameters, capabilities) need not know where one came from.
"""

from typing import Any

import msgspec

Scalar = str | int | float | bool


class RemoteArray(msgspec.Struct, frozen=True, array_like=True, tag="array"):
    """An array of the metadata: its length, and its values where they are few."""

    length: int
    values: tuple[Scalar, ...]


class RemoteTensor(msgspec.Struct, frozen=True, array_like=True):
    """One tensor; `shape` and `offset` as the format counts them."""

    name: str
    type: str
    shape: tuple[int, ...]
    offset: int  # bytes from the start of its file's data section
    file: int = 0  # which of the model's files holds it; of a GGUF always 0: its parts count as one


class RemoteFileHead(msgspec.Struct, frozen=True):
    """A file of a model, without its tensors."""

    path: str  # in the repository
    size_bytes: int
    header_bytes: int


class RemoteHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's files say before their weights."""

    kind: str  # "gguf" or "checkpoint"
    files: tuple[RemoteFileHead, ...]
    tensors: tuple[RemoteTensor, ...]
    version: int = 0  # of the GGUF format
    metadata: dict[str, Scalar | RemoteArray] = msgspec.field(default_factory=dict)  # of a GGUF
    config: dict[str, Any] = msgspec.field(default_factory=dict)  # of a checkpoint
    chat_template: str = ""  # of a checkpoint; a GGUF has it in its metadata

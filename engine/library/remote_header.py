"""Headers of models that are not on this disk: into the form of the wire, and back into what files give."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from engine.contract.errors import ModelUnsupported
from engine.contract.remote_header import RemoteArray, RemoteFileHead, RemoteHeader, RemoteTensor
from engine.library.checkpoint import Checkpoint
from engine.library.gguf import ArrayValue, GgufHeader, MetadataValue, TensorInfo
from engine.library.gguf_types import TENSOR_TYPES
from engine.library.safetensors import SafetensorsHeader
from engine.library.safetensors import TensorInfo as SafetensorsInfo

MAX_WIRE_BYTES = 12 * 2**20  # of JSON; a line of the wire holds 16 MiB

_TYPES = {known.name: known for known in TENSOR_TYPES.values()}


def gguf_to_wire(header: GgufHeader) -> RemoteHeader:
    """A GGUF header, its parts as one; raises ModelUnsupported where it is too long for a message."""
    return _bounded(
        header.path,
        RemoteHeader(
            kind="gguf",
            files=(RemoteFileHead(str(header.path), header.size_bytes, header.header_bytes),),
            tensors=tuple(RemoteTensor(t.name, t.type.name, t.shape, t.offset) for t in header.tensors),
            version=header.version,
            metadata={
                key: RemoteArray(value.length, tuple(v for v in value.values if _has_json(v)))
                if isinstance(value, ArrayValue)
                else value
                for key, value in header.metadata.items()
                if isinstance(value, ArrayValue) or _has_json(value)
            },
        ),
    )


def gguf_from_wire(header: RemoteHeader) -> GgufHeader:
    """The header as `read_header` would give it; its path is none of this disk."""
    (head,) = header.files
    metadata: dict[str, MetadataValue] = {
        key: ArrayValue(value.length, value.values) if isinstance(value, RemoteArray) else value
        for key, value in header.metadata.items()
    }
    return GgufHeader(
        path=Path(head.path),
        version=header.version,
        size_bytes=head.size_bytes,
        metadata=metadata,
        tensors=tuple(TensorInfo(t.name, t.shape, _TYPES[t.type], t.offset) for t in header.tensors),
        header_bytes=head.header_bytes,
    )


def checkpoint_to_wire(
    config: dict[str, Any], shards: Sequence[SafetensorsHeader], chat_template: str
) -> RemoteHeader:
    """A checkpoint's configuration and its shards' headers; raises ModelUnsupported as above."""
    return _bounded(
        shards[0].path,
        RemoteHeader(
            kind="checkpoint",
            files=tuple(RemoteFileHead(str(s.path), s.size_bytes, s.data_start) for s in shards),
            tensors=tuple(
                RemoteTensor(info.name, info.dtype, info.shape, info.start, index)
                for index, shard in enumerate(shards)
                for info in shard.tensors.values()
            ),
            config=config,
            chat_template=chat_template,
        ),
    )


def checkpoint_from_wire(header: RemoteHeader, name: str) -> Checkpoint:
    """The checkpoint as `read_checkpoint` would give it; `name` stands for its folder."""
    shards = [
        SafetensorsHeader(Path(head.path), head.size_bytes, head.header_bytes, {}) for head in header.files
    ]
    for tensor in header.tensors:
        info = SafetensorsInfo(tensor.name, tensor.type, tensor.shape, tensor.offset)
        shards[tensor.file].tensors[tensor.name] = info
    tensors = {info.name: (shard, info) for shard in shards for info in shard.tensors.values()}
    return Checkpoint(Path(name), header.config, tensors, known_template=header.chat_template)


def _has_json(value: str | float) -> bool:
    """Whether JSON has a form for it."""
    return not isinstance(value, float) or isfinite(value)


def _bounded(path: Path, header: RemoteHeader) -> RemoteHeader:
    if len(msgspec.json.encode(header)) > MAX_WIRE_BYTES:
        raise ModelUnsupported(str(path), "its header is far longer than any model's")
    return header

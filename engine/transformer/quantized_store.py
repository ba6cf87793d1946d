"""Quantized weights on the disk, so that the second load of a model is a memory map.

One folder per model and type: `weights.safetensors` and `source.json`, which says of what it was made. What
does not fit the model as it is now, or is damaged, is made anew; a store that cannot be written is done
without.
"""

import hashlib
import json
import logging
import os
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.contract.errors import ModelError
from engine.library.safetensors import SafetensorsHeader, read_header
from engine.transformer.tensor_types import mapped_tensor

WEIGHTS, SOURCE = "weights.safetensors", "source.json"
FORMAT = 1  # of what is kept; another number makes every store anew
TYPES = {torch.int8: "I8", torch.uint8: "U8", torch.bfloat16: "BF16"}
ALIGNMENT = 64

Fingerprint = dict[str, Any]

logger = logging.getLogger(__name__)


class QuantizedStore:
    """The quantized tensors of one model by name."""

    def __init__(self, folder: Path, fingerprint: Fingerprint) -> None:
        """Open what is there; nothing, where it was made of something else."""
        self._folder = folder
        self._fingerprint = json.loads(json.dumps(machine_fingerprint() | fingerprint))
        self._header = self._open()
        self._made: dict[str, Tensor] = {}

    @property
    def is_complete(self) -> bool:
        """Whether nothing had to be made."""
        return self._header is not None and not self._made

    def get(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor | None:
        """A tensor as a memory map, None where it is not there so."""
        info = self._header.tensors.get(name) if self._header else None
        if self._header is None or info is None or (info.shape, info.dtype) != (shape, TYPES[dtype]):
            return None
        return mapped_tensor(self._header, info, dtype)

    def put(self, name: str, values: Tensor) -> None:
        """Keep a tensor that was just made; written by `save`."""
        self._made[name] = values

    def save(self) -> None:
        """Write what was made, if anything was, with what was there."""
        if not self._made:
            return
        kept = {}
        if self._header is not None:
            dtypes = {name: dtype for dtype, name in TYPES.items()}
            kept = {
                name: mapped_tensor(self._header, info, dtypes[info.dtype])
                for name, info in self._header.tensors.items()
                if info.dtype in dtypes
            }
        try:
            self._write(kept | self._made)
        except OSError as error:  # a full disk: the next load quantizes again
            logger.warning("the quantized weights are not kept: %s", error)

    def _open(self) -> SafetensorsHeader | None:
        try:
            source = json.loads((self._folder / SOURCE).read_bytes())
            stat = (self._folder / WEIGHTS).stat()
            if source != {"made_of": self._fingerprint, "weights": [stat.st_size, stat.st_mtime_ns]}:
                return None
            return read_header(self._folder / WEIGHTS)
        except (OSError, ValueError, ModelError):
            return None

    def _write(self, tensors: dict[str, Tensor]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / WEIGHTS
        part = path.with_name(WEIGHTS + ".part")
        try:
            with part.open("wb") as file:
                file.write(_header_bytes(tensors))
                for values in tensors.values():
                    file.write(values.contiguous().view(torch.uint8).numpy().data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.replace(path)
        stat = path.stat()
        source = {"made_of": self._fingerprint, "weights": [stat.st_size, stat.st_mtime_ns]}
        part = self._folder / (SOURCE + ".part")
        part.write_text(json.dumps(source))
        part.replace(self._folder / SOURCE)


def store_folder(cache: Path, source: Path, kind: str) -> Path:
    """Where the quantized weights of a model are kept: named so that people recognise it."""
    digest = hashlib.sha256(str(source.absolute()).encode()).hexdigest()[:12]
    return cache / "quantized" / f"{source.stem[:40]}-{kind}-{digest}"


def files_fingerprint(files: list[Path]) -> Fingerprint:
    """What tells these files from changed ones, without reading them: sizes and times."""
    stats = {file.name: file.stat() for file in files}
    return {"files": {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sorted(stats.items())}}


def machine_fingerprint() -> Fingerprint:
    """What the order of int4 codes depends on."""
    capability = torch.backends.cpu.get_cpu_capability()
    return {"format": FORMAT, "torch": str(torch.__version__), "cpu": capability}


def _header_bytes(tensors: dict[str, Tensor]) -> bytes:
    entries: dict[str, object] = {}
    end = 0
    for name, values in tensors.items():
        start, end = end, end + values.numel() * values.element_size()
        entries[name] = {
            "dtype": TYPES[values.dtype], "shape": list(values.shape), "data_offsets": [start, end]
        }  # fmt: skip
    text = json.dumps(entries).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text

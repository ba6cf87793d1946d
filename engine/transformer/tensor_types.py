"""Between the types of safetensors files and those of torch, and a tensor's bytes as a memory map."""

import mmap

import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged
from engine.library.safetensors import SafetensorsHeader, TensorInfo

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.uint8,  # as bytes: `fp8` makes numbers of them
}
DTYPE_NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def mapped_tensor(header: SafetensorsHeader, info: TensorInfo, dtype: torch.dtype) -> Tensor:
    """The bytes of one tensor as a memory map, which lives as long as the tensor.

    Mapped one at a time: what has been copied leaves the process's memory at once.
    """
    start = header.data_start + info.start
    aligned = start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    try:
        with header.path.open("rb") as file:
            # a private writable map, since torch warns of read-only ones; nothing here writes to it
            mapping = mmap.mmap(
                file.fileno(), start - aligned + info.size_bytes, access=mmap.ACCESS_COPY, offset=aligned
            )
    except (OSError, ValueError) as error:
        raise ModelDamaged(str(header.path), f"it changed while it was read ({error})") from error
    values = torch.frombuffer(mapping, dtype=torch.uint8, offset=start - aligned, count=info.size_bytes)
    if start % dtype.itemsize:  # the format allows unaligned tensors, torch does not
        values = values.clone()
    return values.view(dtype).view(info.shape)

"""GGUF files as a source of tensors: llama.cpp's names and layouts behind those of published checkpoints.

Experts of a layer are one tensor there and many here; `kv_b_proj` may be two, the keys' part transposed.
Llama's queries and keys keep the order llama.cpp gives them, neighbours instead of halves: `gguf_config`
says so to RoPE, and scores are the same.
"""

import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.gguf import GgufHeader, TensorInfo
from engine.transformer.gguf_blocks import READERS, Bytes, dequantize
from engine.transformer.tensor_source import place

WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_q_a": "self_attn.q_a_proj",
    "attn_q_a_norm": "self_attn.q_a_layernorm",
    "attn_q_b": "self_attn.q_b_proj",
    "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm",
    "attn_kv_b": "self_attn.kv_b_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_shexp": "mlp.shared_experts.gate_proj",
    "ffn_up_shexp": "mlp.shared_experts.up_proj",
    "ffn_down_shexp": "mlp.shared_experts.down_proj",
    "ffn_gate_inp_shexp": "mlp.shared_experts_gate",
    "nextn.eh_proj": "eh_proj",
    "nextn.enorm": "enorm",
    "nextn.hnorm": "hnorm",
    "nextn.shared_head_norm": "shared_head.norm",
}
EXPERTS = {"ffn_gate_exps": "gate_proj", "ffn_up_exps": "up_proj", "ffn_down_exps": "down_proj"}
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of one tensor are: parts of the file's tensors, one below the other."""

    shape: tuple[int, ...]  # outermost dimension first
    infos: tuple[TensorInfo, ...]
    expert: int | None = None  # only this slice of a tensor of experts


class GgufSource:
    """The tensors of a GGUF file, or of several that are one model."""

    def __init__(self, header: GgufHeader) -> None:
        self.path, self.files = header.path, [file.path for file in header.files]
        self._file_of = {info.name: file for file in header.files for info in file.tensors}
        self._places = _places(header)
        self.size_bytes = sum(self.tensor_bytes(name) for name in self._places)

    def names(self) -> Iterable[str]:
        """All tensors."""
        return self._places

    def shape(self, name: str) -> tuple[int, ...] | None:
        """A tensor's shape."""
        return self._places[name].shape if name in self._places else None

    def dtype(self, name: str) -> torch.dtype | None:
        """Its float type, None for blocks."""
        return DTYPES.get(self._places[name].infos[0].type.name)

    def tensor_bytes(self, name: str) -> int:
        """What a tensor takes in the file."""
        place_ = self._places[name]
        share = place_.infos[0].shape[-1] if place_.expert is not None else 1
        return sum(info.size_bytes for info in place_.infos) // share

    def copy(self, name: str, destination: Tensor) -> None:
        """Put a tensor where it stays."""
        place_ = self._places[name]
        parts = [tensor_values(self._file_of[info.name], info, place_.expert) for info in place_.infos]
        values = parts[0] if len(parts) == 1 else _joined_up_projection(parts[0], parts[1])
        place(values.view(place_.shape), destination)


def tensor_values(header: GgufHeader, info: TensorInfo, expert: int | None = None) -> Tensor:
    """A tensor of this file, or one expert's slice of it, as float32 in its own shape."""
    kind, path = info.type, header.path
    if kind.name not in READERS:
        raise ModelUnsupported(
            str(path), f"the tensor {info.name} has type {kind.name}, unknown to the torch engine"
        )
    shape, start, size = info.shape[::-1], header.data_start + info.offset, info.size_bytes
    if expert is not None:
        shape, size = shape[1:], size // shape[0]
        start += expert * size
    numbers = dequantize(_mapped(path, start, size), kind.name, kind.block_bytes, kind.block_values)
    return torch.from_numpy(numbers).view(shape)


def _mapped(path: Path, start: int, size: int) -> Bytes:
    aligned = start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    try:
        with path.open("rb") as file:
            mapping = mmap.mmap(
                file.fileno(), start - aligned + size, access=mmap.ACCESS_READ, offset=aligned
            )
    except (OSError, ValueError) as error:
        raise ModelDamaged(str(path), f"it changed while it was read ({error})") from error
    return np.frombuffer(mapping, np.uint8, count=size, offset=start - aligned)


def frequency_divisors(header: GgufHeader) -> tuple[float, ...]:
    """What the speeds of RoPE's pairs are divided by (Llama 3), empty where the file has none."""
    for file in header.files:
        for info in file.tensors:
            if info.name == "rope_freqs.weight" and info.type.name == "F32":
                return tuple(tensor_values(file, info).tolist())
    return ()


def _places(header: GgufHeader) -> dict[str, Place]:
    places: dict[str, Place] = {}
    tensors = {info.name: info for info in header.tensors}
    for info in header.tensors:
        shape = info.shape[::-1]
        if info.name == "rope_freqs.weight":
            continue
        found = re.fullmatch(r"blk\.(\d{1,4})\.(.+)\.(weight|bias)", info.name)
        if found is None:
            stem, _, kind = info.name.rpartition(".")
            places[f"{WHOLE.get(stem, stem)}.{kind}"] = Place(shape, (info,))
            continue
        number, stem, kind = found.groups()
        prefix = f"model.layers.{number}"
        if stem in EXPERTS and len(shape) == 3:
            for expert in range(shape[0]):
                name = f"{prefix}.mlp.experts.{expert}.{EXPERTS[stem]}.weight"
                places[name] = Place(shape[1:], (info,), expert)
        elif stem == "exp_probs_b":
            places[f"{prefix}.mlp.gate.e_score_correction_bias"] = Place(shape, (info,))
        elif stem == "attn_k_b":
            values = tensors.get(f"blk.{number}.attn_v_b.weight")
            if values is not None and len(shape) == len(values.shape) == 3:
                rows = shape[0] * (shape[2] + values.shape[1])
                if (values.shape[2], values.shape[0]) != shape[:2]:
                    rows = 0  # the two do not belong together: no configuration fits this
                places[f"{prefix}.self_attn.kv_b_proj.weight"] = Place((rows, shape[1]), (info, values))
        elif stem in LAYER:
            shape = (1, *shape) if stem == "ffn_gate_inp_shexp" and len(shape) == 1 else shape
            places[f"{prefix}.{LAYER[stem]}.{kind}"] = Place(shape, (info,))
        if stem == "nextn.eh_proj" and f"blk.{number}.nextn.shared_head_norm.weight" not in tensors:
            norm = tensors.get("output_norm.weight")  # MTP layers without a last norm of their own
            if norm is not None:
                places[f"{prefix}.shared_head.norm.weight"] = Place(norm.shape[::-1], (norm,))
    return places


def _joined_up_projection(keys: Tensor, values: Tensor) -> Tensor:
    """`kv_b_proj` (H * (N + Dv), R) of the keys' part (H, R, N) and the values' (H, Dv, R)."""
    return torch.cat([keys.transpose(1, 2), values], dim=1).flatten(0, 1)  # (H * (N + Dv), R)

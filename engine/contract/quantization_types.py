"""The types that a model can be quantized and converted to, as they are offered: the useful ones first.

What they are made of stands in `engine.quantization.file_types`, which has the same names.
"""

from dataclasses import dataclass
from typing import Literal

Purpose = Literal["kept", "nearly kept", "balance", "small", "smallest", "rare"]

CONVERTED_TYPES = ("BF16", "F16", "Q8_0", "F32")  # what a checkpoint can be written in


@dataclass(frozen=True, slots=True)
class QuantizationType:
    """One of llama.cpp's mixtures."""

    name: str
    bits_per_weight: float  # of the type that most weights get
    purpose: Purpose
    needs_importance: bool = False


QUANTIZATION_TYPES: tuple[QuantizationType, ...] = (
    QuantizationType("Q8_0", 8.5, "nearly kept"),
    QuantizationType("Q6_K", 6.5625, "nearly kept"),
    QuantizationType("Q5_K_M", 5.5, "balance"),
    QuantizationType("Q5_K_S", 5.5, "balance"),
    QuantizationType("Q4_K_M", 4.5, "balance"),
    QuantizationType("Q4_K_S", 4.5, "balance"),
    QuantizationType("IQ4_NL", 4.5, "balance"),
    QuantizationType("IQ4_XS", 4.25, "balance"),
    QuantizationType("Q3_K_L", 3.4375, "small"),
    QuantizationType("Q3_K_M", 3.4375, "small"),
    QuantizationType("Q3_K_S", 3.4375, "small"),
    QuantizationType("IQ3_M", 3.4375, "small"),
    QuantizationType("IQ3_S", 3.4375, "small"),
    QuantizationType("IQ3_XS", 3.4375, "small", needs_importance=True),
    QuantizationType("IQ3_XXS", 3.0625, "small", needs_importance=True),
    QuantizationType("Q2_K", 2.625, "smallest"),
    QuantizationType("Q2_K_S", 2.625, "smallest", needs_importance=True),
    QuantizationType("IQ2_M", 2.5625, "smallest", needs_importance=True),
    QuantizationType("IQ2_S", 2.3125, "smallest", needs_importance=True),
    QuantizationType("IQ2_XS", 2.3125, "smallest", needs_importance=True),
    QuantizationType("IQ2_XXS", 2.0625, "smallest", needs_importance=True),
    QuantizationType("IQ1_M", 1.75, "smallest", needs_importance=True),
    QuantizationType("IQ1_S", 1.5625, "smallest", needs_importance=True),
    QuantizationType("F16", 16, "kept"),
    QuantizationType("BF16", 16, "kept"),
    QuantizationType("F32", 32, "kept"),
    QuantizationType("Q5_1", 6, "rare"),
    QuantizationType("Q5_0", 5.5, "rare"),
    QuantizationType("Q4_1", 5, "rare"),
    QuantizationType("Q4_0", 4.5, "rare"),
    QuantizationType("MXFP4_MOE", 4.25, "rare"),
    QuantizationType("TQ2_0", 2.0625, "rare"),
    QuantizationType("TQ1_0", 1.6875, "rare"),
    QuantizationType("Q2_0", 2.25, "rare"),
    QuantizationType("Q1_0", 1.125, "rare"),
)


_OWN_BLOCKS = {"IQ4_NL": 32, "NVFP4": 64, "Q2_0": 64, "Q1_0": 128}
_PLAIN = ("F64", "F32", "F16", "BF16", "I8", "I16", "I32", "I64")


def block_length(tensor_type: str) -> int:
    """How many weights a tensor type packs together; a row has to be a multiple of it. 1 for plain ones."""
    if tensor_type in _PLAIN:
        return 1
    is_large = tensor_type.endswith("_K") or tensor_type.startswith(("IQ", "TQ"))
    return _OWN_BLOCKS.get(tensor_type, 256 if is_large else 32)

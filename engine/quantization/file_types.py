"""What a model can be quantized to: llama.cpp's file types and the tensor types behind them.

Numbers are those of llama.h, `enum llama_ftype`, and ggml.h, `enum ggml_type`. A file type is a mixture: most
tensors get its main type, some a higher one by llama.cpp's own rules.
"""

from dataclasses import dataclass

from engine.library.gguf_types import TENSOR_TYPES, TensorType


@dataclass(frozen=True, slots=True)
class FileType:
    """One choice of the quantize call."""

    name: str
    number: int
    main: str  # the tensor type most weights get


_TYPES = (
    FileType("F32", 0, "F32"),
    FileType("BF16", 32, "BF16"),
    FileType("F16", 1, "F16"),
    FileType("Q8_0", 7, "Q8_0"),
    FileType("Q6_K", 18, "Q6_K"),
    FileType("Q5_K_M", 17, "Q5_K"),
    FileType("Q5_K_S", 16, "Q5_K"),
    FileType("Q5_1", 9, "Q5_1"),
    FileType("Q5_0", 8, "Q5_0"),
    FileType("Q4_K_M", 15, "Q4_K"),
    FileType("Q4_K_S", 14, "Q4_K"),
    FileType("Q4_1", 3, "Q4_1"),
    FileType("IQ4_NL", 25, "IQ4_NL"),
    FileType("Q4_0", 2, "Q4_0"),
    FileType("IQ4_XS", 30, "IQ4_XS"),
    FileType("MXFP4_MOE", 38, "MXFP4"),
    FileType("Q3_K_L", 13, "Q3_K"),
    FileType("Q3_K_M", 12, "Q3_K"),
    FileType("IQ3_M", 27, "IQ3_S"),
    FileType("IQ3_S", 26, "IQ3_S"),
    FileType("Q3_K_S", 11, "Q3_K"),
    FileType("IQ3_XS", 22, "IQ3_S"),
    FileType("IQ3_XXS", 23, "IQ3_XXS"),
    FileType("Q2_K", 10, "Q2_K"),
    FileType("Q2_K_S", 21, "Q2_K"),
    FileType("IQ2_M", 29, "IQ2_S"),
    FileType("IQ2_S", 28, "IQ2_XS"),
    FileType("IQ2_XS", 20, "IQ2_XS"),
    FileType("IQ2_XXS", 19, "IQ2_XXS"),
    FileType("IQ1_M", 31, "IQ1_M"),
    FileType("IQ1_S", 24, "IQ1_S"),
    FileType("TQ2_0", 37, "TQ2_0"),
    FileType("TQ1_0", 36, "TQ1_0"),
    FileType("Q2_0", 41, "Q2_0"),
    FileType("Q1_0", 40, "Q1_0"),
)
FILE_TYPES: dict[str, FileType] = {file_type.name: file_type for file_type in _TYPES}
TENSOR_TYPE_NUMBERS: dict[str, int] = {kind.name: number for number, kind in TENSOR_TYPES.items()}


def tensor_type(name: str) -> TensorType:
    """A tensor type by its name; raises KeyError where there is none."""
    return TENSOR_TYPES[TENSOR_TYPE_NUMBERS[name]]


def bits_per_weight(kind: TensorType) -> float:
    """What a weight of this type takes."""
    return 8 * kind.block_bytes / kind.block_values

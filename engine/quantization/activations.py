"""Listening to the products of a running model: llama.cpp calls back at every node of its graph.

The fields of `ggml_tensor` are mapped by hand from ggml.h of the pinned version; `check_layout` compares what
the mapping reads with what ggml says of a tensor of its own, before anything is trusted.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import EngineMissing

_MAX_DIMENSIONS, _MAX_SOURCES, _OP_PARAMS, _MAX_NAME = 4, 10, 16, 64
_F32 = 0


class _Tensor(ctypes.Structure):
    """The head of `struct ggml_tensor` (ggml.h, version 0.25)."""


_Tensor._fields_ = [
    ("type", ctypes.c_int),
    ("buffer", ctypes.c_void_p),
    ("ne", ctypes.c_int64 * _MAX_DIMENSIONS),
    ("nb", ctypes.c_size_t * _MAX_DIMENSIONS),
    ("op", ctypes.c_int),
    ("op_params", ctypes.c_int32 * _OP_PARAMS),
    ("flags", ctypes.c_int32),
    ("src", ctypes.POINTER(_Tensor) * _MAX_SOURCES),
    ("view_src", ctypes.POINTER(_Tensor)),
    ("view_offs", ctypes.c_size_t),
    ("data", ctypes.c_void_p),
    ("name", ctypes.c_char * _MAX_NAME),
]


@dataclass(frozen=True, slots=True)
class Product:
    """One matrix product: the name of the matrix and what it is multiplied with."""

    name: str
    num_matrices: int  # experts, or heads that have a matrix each; 1 for a plain one
    inputs: NDArray[np.float32]  # (rows, I)
    matrices: NDArray[np.int64]  # (rows,): which of the matrices each row goes through


class ProductListener:
    """A callback for `cb_eval` that hands on every product with a weight of the model."""

    def __init__(self, library: Any, hear: Callable[[Product], None]) -> None:
        """`library` is llama_cpp's low-level module; the object must outlive the context that calls it."""
        self._ggml = library._lib
        self._hear = hear
        self._plain, self._by_id = _op_numbers(self._ggml)
        self._get = self._ggml.ggml_backend_tensor_get
        self._get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
        self._get.restype = None
        self.error: Exception | None = None  # ctypes would only print what the callback raises
        self.callback = library.ggml_backend_sched_eval_callback(self._called)

    def _called(self, address: int, asks: bool, _user_data: object) -> bool:
        tensor = ctypes.cast(address, ctypes.POINTER(_Tensor)).contents
        if tensor.op not in (self._plain, self._by_id):
            return not asks
        matrix = tensor.src[0].contents
        name = matrix.name.decode(errors="replace")
        if not name.endswith(".weight") or tensor.src[1].contents.type != _F32:
            return not asks
        if not asks and self.error is None:
            try:
                self._hear(self._product(tensor, matrix, name))
            except Exception as error:  # noqa: BLE001  (the edge to C: kept for the caller)
                self.error = error
        return self.error is None

    def _product(self, tensor: _Tensor, matrix: _Tensor, name: str) -> Product:
        inputs = tensor.src[1]
        values = self._read(inputs, np.float32)  # (N3, N2, N1, I)
        num_matrices = int(matrix.ne[2] * matrix.ne[3])
        width = values.shape[-1]
        if tensor.op == self._by_id:
            chosen = self._read(tensor.src[2], np.int32)[0, 0]  # (tokens, experts per token)
            shared = np.broadcast_to(values[0], (*chosen.shape, width))  # one row for all experts of a token
            return Product(name, num_matrices, shared.reshape(-1, width), chosen.reshape(-1).astype(np.int64))
        planes = np.arange(values.shape[0] * values.shape[1], dtype=np.int64)
        # a plane of inputs meets the matrix of its own head, or the one matrix that all share
        owners = planes * num_matrices // max(len(planes), 1) if num_matrices > 1 else 0 * planes
        return Product(name, num_matrices, values.reshape(-1, width), np.repeat(owners, values.shape[2]))

    def _read(self, pointer: Any, kind: type[np.generic]) -> NDArray[Any]:
        """A tensor's values, outermost dimension first; views with gaps are read row by row."""
        tensor = pointer.contents
        shape = tuple(tensor.ne[3 - axis] for axis in range(_MAX_DIMENSIONS))
        strides = tuple(tensor.nb[3 - axis] for axis in range(_MAX_DIMENSIONS))
        span = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        buffer = np.empty(span + np.dtype(kind).itemsize, np.uint8)
        self._get(ctypes.cast(pointer, ctypes.c_void_p), buffer.ctypes.data, 0, buffer.nbytes)
        return np.ndarray(shape, kind, buffer, strides=strides)


def check_layout(library: Any) -> None:
    """Raise EngineMissing where `ggml_tensor` is laid out otherwise than it is mapped here."""
    ggml = library._lib
    ggml.ggml_tensor_overhead.restype = ctypes.c_size_t
    ggml.ggml_init.restype = ctypes.c_void_p
    ggml.ggml_init.argtypes = [_InitParams]
    ggml.ggml_free.argtypes = [ctypes.c_void_p]
    ggml.ggml_new_tensor_2d.restype = ctypes.POINTER(_Tensor)
    ggml.ggml_new_tensor_2d.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    ggml.ggml_set_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    ggml.ggml_mul_mat.restype = ctypes.POINTER(_Tensor)
    ggml.ggml_mul_mat.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    context = ggml.ggml_init(_InitParams(8 * ggml.ggml_tensor_overhead(), None, True))
    try:
        first, second = (ggml.ggml_new_tensor_2d(context, _F32, 6, rows) for rows in (5, 7))
        ggml.ggml_set_name(ctypes.cast(first, ctypes.c_void_p), b"probe.weight")
        product = ggml.ggml_mul_mat(
            context, ctypes.cast(first, ctypes.c_void_p), ctypes.cast(second, ctypes.c_void_p)
        ).contents
        found = (
            product.op == _op_numbers(ggml)[0],
            tuple(product.ne) == (5, 7, 1, 1),
            product.src[0].contents.name == b"probe.weight",
            tuple(product.src[1].contents.nb) == (4, 24, 168, 168),
        )
    finally:
        ggml.ggml_free(context)
    if not all(found):
        raise EngineMissing("this build of llama.cpp lays its tensors out otherwise than the pinned one")


class _InitParams(ctypes.Structure):
    """`struct ggml_init_params`."""

    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


def _op_numbers(ggml: Any) -> tuple[int, int]:
    """The numbers of the plain product and of the product by expert, from ggml's own names."""
    ggml.ggml_op_name.restype = ctypes.c_char_p
    ggml.ggml_op_name.argtypes = [ctypes.c_int]
    names = {ggml.ggml_op_name(number): number for number in range(32)}
    return names[b"MUL_MAT"], names[b"MUL_MAT_ID"]

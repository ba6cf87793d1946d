"""A placement as llama.cpp takes it: layers on GPUs, their shares, and experts that stay in RAM.

Not run on a GPU yet: written after llama.h and llama-model.cpp (`load_tensors`), tried without one.
"""

import ctypes
from typing import Any

from engine.contract.errors import InvalidRequest
from engine.contract.params import LayerPlacement, LoadParams


class _Override(ctypes.Structure):
    """llama.h, struct llama_model_tensor_buft_override; an empty pattern ends a list of them."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


class NativePlacement:
    """Arrays that llama.cpp reads while it loads: keep this until it has."""

    def __init__(self, library: Any, params: LoadParams) -> None:
        """Raises InvalidRequest for a placement over more GPUs than llama.cpp knows."""
        placement = params.placement or LayerPlacement(gpu_layers=max(params.gpu_layers, 0))
        most = int(library.llama_max_devices())  # it reads so many shares
        if len(placement.gpu_shares) > most:
            raise InvalidRequest(f"llama.cpp divides a model over {most} GPUs at most")
        self._num_layers = params.gpu_layers if params.placement is None else placement.gpu_layers
        self._main_gpu = placement.main_gpu
        self._shares = (ctypes.c_float * most)(*placement.gpu_shares)
        self._is_divided = bool(placement.gpu_shares)
        self._overrides = _overrides(library, placement.expert_layers_in_ram)

    def write_into(self, model_params: Any) -> None:
        """Set what llama.cpp asks for; -1 layers is all of them."""
        model_params.n_gpu_layers = self._num_layers
        model_params.main_gpu = self._main_gpu
        if self._is_divided:
            field = type(model_params.tensor_split)
            model_params.tensor_split = ctypes.cast(self._shares, field)
        if self._overrides is not None:
            model_params.tensor_buft_overrides = ctypes.cast(self._overrides, ctypes.c_void_p)


def expert_pattern(layer: int) -> str:
    """The regular expression that finds a layer's routed experts among the names of tensors."""
    return rf"blk\.{layer}\.ffn_(up|down|gate|gate_up)_(ch|)exps"


def _overrides(library: Any, layers: tuple[int, ...]) -> Any:
    """One pattern per layer, and the end of the list; None where no experts have to stay in RAM."""
    if not layers:
        return None
    buffer_type = library._lib.ggml_backend_cpu_buffer_type
    buffer_type.restype = ctypes.c_void_p
    in_ram = buffer_type()
    found = (_Override * (len(layers) + 1))()
    for index, layer in enumerate(layers):
        found[index] = _Override(expert_pattern(layer).encode(), in_ram)
    return found

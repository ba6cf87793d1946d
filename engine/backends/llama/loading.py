"""LoadParams as llama.cpp takes them: params of a model and of a context."""

from pathlib import Path
from typing import Any

from engine.backends.llama.native import Native
from engine.backends.llama.placement import NativePlacement
from engine.contract.errors import InvalidRequest, ModelTooLarge
from engine.contract.model_shape import ModelShape
from engine.contract.params import FlashAttention, KvType, LoadParams
from engine.generation.backend import Cancelled, Progress
from engine.hardware.compute_buffers import max_outputs
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.hardware.kv_layout import KvLayout, kv_layout
from engine.hardware.memory import available_bytes, decode_threads, physical_cores
from engine.library.gguf import GgufHeader

_KV_TYPES: dict[KvType, int] = {
    "f32": 0,
    "f16": 1,
    "bf16": 30,
    "q8_0": 8,
    "q4_0": 2,
}  # ggml.h, enum ggml_type
_FLASH_ATTENTION: dict[FlashAttention, int] = {"auto": -1, "off": 0, "on": 1}  # llama.h
_MTP_CONTEXT = 1  # llama.h, LLAMA_CONTEXT_TYPE_MTP
_LOAD_MODES = {  # llama.h, enum llama_load_mode, by use_mmap and use_mlock
    (True, False): -1,  # automatic: mapped wherever the devices allow it
    (True, True): 3,
    (False, False): 0,
    (False, True): 2,
}


def check_kv_types(header: GgufHeader, params: LoadParams) -> None:
    """Refuse what llama.cpp answers with no context, or with an abort."""
    values = params.kv_type_v or params.kv_type
    if header.hyperparameter("attention.kv_lora_rank") and values != params.kv_type:
        raise InvalidRequest("a model with a latent KV cache has one type for keys and values")
    if values in ("q8_0", "q4_0") and params.flash_attention == "off":
        raise InvalidRequest("a quantized KV cache needs flash attention")


def plan_cache(shape: ModelShape, params: LoadParams) -> KvLayout:
    """The layout of the KV cache in the memory that is free now.

    Raises ModelTooLarge where it does not fit: mapped weights may stay on the disk, the cache may not.
    """
    free_bytes = available_bytes()
    layout = kv_layout(shape, params, free_bytes)
    kv_cache_bytes = layout.positions * kv_bytes_per_token(shape, params.kv_type, params.kv_type_v)
    if kv_cache_bytes > free_bytes:
        raise ModelTooLarge(kv_cache_bytes, free_bytes)
    return layout


def no_room(native: Native, path: Path) -> ModelTooLarge:
    """What a failed allocation means: the file's size against what the devices have free now."""
    free_bytes = sum(device.free_bytes for device in native.device_memory())
    return ModelTooLarge(path.stat().st_size, free_bytes)


def load_model(
    library: Any,
    path: Path,
    params: LoadParams,
    progress: Progress,
    cancelled: Cancelled,
    *,
    with_mtp: bool = False,
) -> Any:
    """The model, or NULL where it cannot be loaded or `cancelled` became true."""

    def report(fraction: float, _: object) -> bool:
        progress(fraction)
        return not cancelled()

    model_params = library.llama_model_default_params()
    placement = NativePlacement(library, params)
    placement.write_into(model_params)
    model_params.load_mode = _LOAD_MODES[params.use_mmap, params.use_mlock]
    model_params.load_mtp = with_mtp
    callback = type(model_params.progress_callback)(report)
    model_params.progress_callback = callback
    return library.llama_model_load_from_file(str(path).encode(), model_params)


def create_context(library: Any, model: Any, params: LoadParams, layout: KvLayout, *, batch_size: int) -> Any:
    """A context with a KV cache of this layout, or NULL."""
    context_params = _context_params(library, params)
    context_params.n_ctx = layout.positions
    context_params.n_seq_max = layout.slots
    context_params.kv_unified = layout.is_shared
    context_params.n_batch = max(
        batch_size, layout.slots
    )  # llama.cpp aborts where a call cannot have all slots
    context_params.n_ubatch = min(context_params.n_batch, context_params.n_ubatch)
    # else every token of a batch gets room for logits: 250 MiB with a vocabulary of 128,000
    context_params.n_outputs_max = min(context_params.n_batch, max_outputs(params, layout.slots))
    return library.llama_init_from_model(model, context_params)


def create_draft_context(
    library: Any, model: Any, params: LoadParams, *, length: int, batch_size: int, mtp_of: Any = None
) -> Any:
    """A context for drafters, or NULL: of the model's MTP layer beside the context `mtp_of`, or of all of it.

    It has a sequence of `length` positions for every request that is answered at a time, and one more, since
    a drafter is given up a little later than the next one begins.
    """
    context_params = _context_params(library, params)
    context_params.n_seq_max = params.sequences + 1
    context_params.n_ctx = length * context_params.n_seq_max
    context_params.n_batch = context_params.n_ubatch = max(batch_size, context_params.n_seq_max)
    context_params.n_outputs_max = context_params.n_seq_max
    if mtp_of is not None:
        context_params.ctx_type, context_params.ctx_other = _MTP_CONTEXT, mtp_of
        context_params.n_rs_seq = 0
    return library.llama_init_from_model(model, context_params)


def _context_params(library: Any, params: LoadParams) -> Any:
    """What all contexts of a model have in common."""
    context_params = library.llama_context_default_params()
    context_params.n_threads = params.threads or decode_threads()
    context_params.n_threads_batch = params.threads or physical_cores()
    context_params.type_k = _KV_TYPES[params.kv_type]
    context_params.type_v = _KV_TYPES[params.kv_type_v or params.kv_type]
    context_params.flash_attn_type = _FLASH_ATTENTION[params.flash_attention]
    return context_params

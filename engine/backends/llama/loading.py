"""LoadParams as llama.cpp takes them: params of a model and of a context, and the size of its KV cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.contract.errors import InvalidRequest, ModelTooLarge
from engine.contract.params import FlashAttention, KvType, LoadParams
from engine.generation.backend import Cancelled, Progress
from engine.hardware.memory import available_bytes, decode_threads, physical_cores
from engine.library.gguf import GgufHeader

DEFAULT_CONTEXT_LENGTH = 8192
SPARE_POSITIONS = 2048  # beyond one full context, so that others find room beside it
SEPARATE_BYTES = 256 * 2**20  # a KV cache that costs no more than this has a part of its own for every slot
SEPARATE_SHARE = 1 / 16  # … and no more than this of the free memory
IDLE_SEPARATE_SLOTS = 4
IDLE_SLOTS = 56  # conversations that stay in the KV cache as long as its positions suffice
IDLE_RECURRENT_SLOTS = 1  # there every slot takes memory of its own
_CONTEXT_STEP = 256  # llama.cpp rounds up to it
_KV_TYPES: dict[KvType, int] = {
    "f32": 0,
    "f16": 1,
    "bf16": 30,
    "q8_0": 8,
    "q4_0": 2,
}  # ggml.h, enum ggml_type
_FLASH_ATTENTION: dict[FlashAttention, int] = {"auto": -1, "off": 0, "on": 1}  # llama.h
_LOAD_MODES = {  # llama.h, enum llama_load_mode, by use_mmap and use_mlock
    (True, False): -1,  # automatic: mapped wherever the devices allow it
    (True, True): 3,
    (False, False): 0,
    (False, True): 2,
}


def choose_context_length(header: GgufHeader, params: LoadParams) -> int:
    """The asked-for context length, else the trained one up to a size that fits most computers."""
    if params.context_length is not None:
        return params.context_length
    trained = header.hyperparameter("context_length")
    return min(trained, DEFAULT_CONTEXT_LENGTH) if trained else DEFAULT_CONTEXT_LENGTH


@dataclass(frozen=True, slots=True)
class KvLayout:
    """How the KV cache is shared out."""

    slots: int
    positions: int  # of all slots together
    is_shared: bool  # any slot may take any position; otherwise each has an equal part


def kv_layout(
    params: LoadParams, *, context_length: int, shared_positions: int, token_bytes: int, can_truncate: bool
) -> KvLayout:
    """One cache for all slots; where that costs little, a whole context for each.

    With a part of its own a sequence is computed bit by bit as if it were alone (docs/decisions/0011).
    """
    if not can_truncate:
        return KvLayout(params.sequences + IDLE_RECURRENT_SLOTS, shared_positions, is_shared=True)
    slots = params.sequences + IDLE_SEPARATE_SLOTS
    separate_bytes = slots * context_length * token_bytes
    if separate_bytes <= min(SEPARATE_BYTES, SEPARATE_SHARE * available_bytes()):
        return KvLayout(slots, slots * _rounded(context_length), is_shared=False)
    return KvLayout(params.sequences + IDLE_SLOTS, shared_positions, is_shared=True)


def _rounded(context_length: int) -> int:
    """What llama.cpp makes of a context length where every slot has its part."""
    return -(-context_length // _CONTEXT_STEP) * _CONTEXT_STEP


def shared_positions(header: GgufHeader, context_length: int, params: LoadParams) -> int:
    """How many positions a KV cache has that all conversations share.

    LongRoPE models turn positions by other angles where the cache is longer than the context they were first
    trained for: the spare positions must not be what changes them.
    """
    spare = min(context_length, SPARE_POSITIONS) if params.sequences > 1 else 0
    first_trained = header.hyperparameter("rope.scaling.original_context_length")
    if context_length <= first_trained:
        return min(context_length + spare, first_trained)
    return context_length + spare


def check_kv_types(header: GgufHeader, params: LoadParams) -> None:
    """Refuse what llama.cpp answers with no context, or with an abort."""
    values = params.kv_type_v or params.kv_type
    if header.hyperparameter("attention.kv_lora_rank") and values != params.kv_type:
        raise InvalidRequest("a model with a latent KV cache has one type for keys and values")
    if values in ("q8_0", "q4_0") and params.flash_attention == "off":
        raise InvalidRequest("a quantized KV cache needs flash attention")


def check_memory(kv_cache_bytes: int) -> None:
    """Refuse a KV cache that does not fit; weights are mapped and may stay on the disk, the cache may not."""
    free_bytes = available_bytes()
    if kv_cache_bytes > free_bytes:
        raise ModelTooLarge(kv_cache_bytes, free_bytes)


def load_model(library: Any, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Any:
    """The model, or NULL where it cannot be loaded or `cancelled` became true."""

    def report(fraction: float, _: object) -> bool:
        progress(fraction)
        return not cancelled()

    model_params = library.llama_model_default_params()
    model_params.n_gpu_layers = params.gpu_layers
    model_params.load_mode = _LOAD_MODES[params.use_mmap, params.use_mlock]
    callback = type(model_params.progress_callback)(report)
    model_params.progress_callback = callback
    return library.llama_model_load_from_file(str(path).encode(), model_params)


def create_context(library: Any, model: Any, params: LoadParams, layout: KvLayout, *, batch_size: int) -> Any:
    """A context with a KV cache of this layout, or NULL."""
    context_params = library.llama_context_default_params()
    context_params.n_ctx = layout.positions
    context_params.n_seq_max = layout.slots
    context_params.kv_unified = layout.is_shared
    context_params.n_batch = max(
        batch_size, layout.slots
    )  # llama.cpp aborts where a call cannot have all slots
    context_params.n_ubatch = min(context_params.n_batch, context_params.n_ubatch)
    context_params.n_threads = params.threads or decode_threads()
    context_params.n_threads_batch = params.threads or physical_cores()
    context_params.type_k = _KV_TYPES[params.kv_type]
    context_params.type_v = _KV_TYPES[params.kv_type_v or params.kv_type]
    context_params.flash_attn_type = _FLASH_ATTENTION[params.flash_attention]
    return library.llama_init_from_model(model, context_params)

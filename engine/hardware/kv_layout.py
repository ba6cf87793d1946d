"""How a model's KV cache is shared out among conversations, and how long it is.

Decided here for the backend that makes the cache and for the ledger that says beforehand what it takes.
"""

from dataclasses import dataclass

from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.hardware.kv_cache import has_state, kv_bytes_per_token

DEFAULT_CONTEXT_LENGTH = 8192
SPARE_POSITIONS = 2048  # beyond one full context, so that others find room beside it
SEPARATE_BYTES = 256 * 2**20  # a KV cache that costs no more than this has a part of its own for every slot
SEPARATE_SHARE = 1 / 16  # … and no more than this of the free memory
IDLE_SEPARATE_SLOTS = 4
IDLE_SLOTS = 56  # conversations that stay in the KV cache as long as its positions suffice
IDLE_RECURRENT_SLOTS = 1  # there every slot takes memory of its own
_CONTEXT_STEP = 256  # llama.cpp rounds up to it


@dataclass(frozen=True, slots=True)
class KvLayout:
    """How the KV cache is shared out."""

    slots: int
    positions: int  # of all slots together
    is_shared: bool  # any slot may take any position; otherwise each has an equal part


def choose_context_length(shape: ModelShape, params: LoadParams) -> int:
    """The asked-for context length, else the trained one up to a size that fits most computers."""
    if params.context_length is not None:
        return params.context_length
    trained = shape.number("context_length")
    return min(trained, DEFAULT_CONTEXT_LENGTH) if trained else DEFAULT_CONTEXT_LENGTH


def kv_layout(shape: ModelShape, params: LoadParams, free_bytes: int) -> KvLayout:
    """One cache for all slots; where that costs little, a whole context for each.

    With a part of its own a sequence is computed bit by bit as if it were alone (docs/decisions/0011).
    """
    context_length = choose_context_length(shape, params)
    if has_state(shape):
        return recurrent_layout(shape, params)
    slots = params.sequences + IDLE_SEPARATE_SLOTS
    token_bytes = kv_bytes_per_token(shape, params.kv_type, params.kv_type_v)
    if slots * context_length * token_bytes <= min(SEPARATE_BYTES, SEPARATE_SHARE * free_bytes):
        return KvLayout(slots, slots * _rounded(context_length), is_shared=False)
    positions = _rounded(shared_positions(shape, context_length, params))
    return KvLayout(params.sequences + IDLE_SLOTS, positions, is_shared=True)


def recurrent_layout(shape: ModelShape, params: LoadParams) -> KvLayout:
    """One of a model with recurrent layers, where every slot has a state whether it is used or not."""
    positions = _rounded(shared_positions(shape, choose_context_length(shape, params), params))
    return KvLayout(params.sequences + IDLE_RECURRENT_SLOTS, positions, is_shared=True)


def shared_positions(shape: ModelShape, context_length: int, params: LoadParams) -> int:
    """How many positions a KV cache has that all conversations share.

    LongRoPE models turn positions by other angles where the cache is longer than the context they were first
    trained for: the spare positions must not be what changes them.
    """
    spare = min(context_length, SPARE_POSITIONS) if params.sequences > 1 else 0
    first_trained = shape.number("rope.scaling.original_context_length")
    if context_length <= first_trained:
        return min(context_length + spare, first_trained)
    return context_length + spare


def _rounded(context_length: int) -> int:
    """What llama.cpp makes of a context length."""
    return -(-context_length // _CONTEXT_STEP) * _CONTEXT_STEP

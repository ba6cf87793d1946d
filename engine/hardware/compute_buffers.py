"""What llama.cpp takes for computing one batch, besides weights and cache.

Its allocator lets tensors of a graph take each other's place once nobody reads them any more, so the buffer
is as large as the widest moment of one layer: the inside of the feed-forward network, the heads of
attention, or the logits at the end. Widths were compared with what llama.cpp's log says of its buffers
(`benchmarks/fit.py`).
"""

from dataclasses import dataclass

from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.hardware.kv_cache import has_latent
from engine.hardware.kv_layout import KvLayout

MICRO_BATCH = 512  # llama.cpp's n_ubatch: so many tokens are computed together at most
MAX_DRAFTED = 8  # tokens that are checked at once, besides the newest
_FLOAT, _HALF = 4, 2  # bytes
_Q8 = 34 / 32  # bytes per value of activations that meet quantized weights


@dataclass(frozen=True, slots=True)
class ComputeBytes:
    """Buffers by where they are."""

    graph: int  # on every device that computes layers
    logits: int  # in RAM, for the sampler
    products: int  # in RAM: activations in the type that CPU products want

    @property
    def total(self) -> int:
        """All of them on a CPU."""
        return self.graph + self.logits + self.products


def max_outputs(params: LoadParams, slots: int) -> int:
    """Rows of logits that one call can ask for: of each slot one, and of those that draft some more."""
    return slots + MAX_DRAFTED * params.sequences


def compute_bytes(shape: ModelShape, params: LoadParams, layout: KvLayout) -> ComputeBytes:
    """The buffers for one micro-batch of a model whose cache has this layout."""
    num_tokens = _batch_tokens(params, layout)
    positions = layout.positions if layout.is_shared else layout.positions // layout.slots
    vocabulary, hidden = shape.vocabulary_size, shape.number("embedding_length")
    num_outputs = min(num_tokens, max_outputs(params, layout.slots))
    uses_flash = params.flash_attention != "off"
    num_masks = 2 if shape.number("attention.sliding_window") else 1  # layers that see all, and that do not
    mask = num_masks * positions * num_tokens * (_HALF if uses_flash else _FLOAT)
    inside = num_tokens * max(
        _feed_forward_width(shape), _attention_width(shape, 0 if uses_flash else positions)
    )
    at_the_end = num_outputs * (vocabulary + hidden) + num_tokens * hidden  # nobody reads the mask any more
    return ComputeBytes(
        graph=max(mask + inside * _FLOAT, at_the_end * _FLOAT),
        logits=layout.slots * vocabulary * _FLOAT,
        products=int(num_tokens * _product_width(shape) * _Q8),
    )


def _batch_tokens(params: LoadParams, layout: KvLayout) -> int:
    """Tokens of a micro-batch; every slot with a part of its own gets as many as the others."""
    num_tokens = min(max(params.batch_size, layout.slots), MICRO_BATCH, layout.positions)
    return -(-num_tokens // layout.slots) * layout.slots


def _feed_forward_width(shape: ModelShape) -> int:
    """Values per token at the widest moment: gate, up and their product, and what is still to be added.

    What all chosen experts give is one tensor. It takes the place of gate and up where it fits there, and
    lies behind everything else where it does not.
    """
    hidden, used = shape.number("embedding_length"), shape.number("expert_used_count")
    dense = 3 * shape.number("feed_forward_length") if _has_dense_layers(shape) else 0
    inside, given = used * shape.number("expert_feed_forward_length"), used * hidden
    mixture = 3 * inside + (given + hidden if given > 2 * inside else 0)
    return 4 * hidden + max(dense, mixture)


def _attention_width(shape: ModelShape, scored_positions: int) -> int:
    """The same of attention; scores only where it is not fused."""
    hidden, heads = shape.number("embedding_length"), shape.number("attention.head_count")
    if has_latent(shape):
        latent, turned = shape.number("attention.kv_lora_rank"), shape.number("rope.dimension_count")
        query = shape.number("attention.key_length_mla") or shape.number("attention.key_length")
        # the query as projected, in the latent's space, and there with its turned part beside it
        asking = query + latent + (latent + turned)
        scoring = (latent + turned) + scored_positions + latent
        return 6 * hidden + heads * max(asking, scoring)
    head = shape.number("attention.key_length") or hidden // max(heads, 1)
    groups = shape.number("attention.head_count_kv") or heads
    return 4 * hidden + heads * (2 * head + scored_positions) + 2 * groups * head


def _product_width(shape: ModelShape) -> int:
    """Values per token of the widest input of a product."""
    hidden, used = shape.number("embedding_length"), shape.number("expert_used_count")
    dense = shape.number("feed_forward_length") if _has_dense_layers(shape) else 0
    return max(hidden, dense, used * shape.number("expert_feed_forward_length"))


def _has_dense_layers(shape: ModelShape) -> bool:
    """Mixtures often name a feed-forward length that no layer has."""
    return not shape.number("expert_count") or shape.number("leading_dense_block_count") > 0

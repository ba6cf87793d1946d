"""DeepSeek V2, V2-Lite, V3, R1 and what is built like them: MLA, experts, an MTP layer.

What llama.cpp's `deepseek2` graph wants otherwise than a checkpoint has it: the matrix that rebuilds keys and
values from the latent in two, the keys' turned around, because the graph always absorbs them (see
`engine.transformer.mla`); attention described as one key-value head as wide as a cached row. The MTP layer is
one more block with `nextn` tensors; it sees the hidden state after the last norm, as in
`engine.transformer.mtp`.
"""

from collections.abc import Iterator
from functools import partial

from engine.quantization.gguf_file import Array, Value
from engine.quantization.layouts.layout import (
    Layout,
    Mapped,
    common_hyperparameters,
    expert_hyperparameters,
    experts,
    feed_forward,
    layer_norms,
    plain,
    whole_model,
)
from engine.quantization.layouts.rope_metadata import latent_rope, rope_problem
from engine.transformer.config import MlaConfig, ModelConfig

GATING = {"softmax": 1, "sigmoid": 2}  # llama.cpp's numbers of the gating functions
MAX_EXPERTS = 1024  # LLAMA_MAX_EXPERTS; llama.cpp aborts at more
LITE_LAYERS = (26, 27)  # llama.cpp takes these counts for models without the queries' bottleneck


def keys_of(values: Array, *, attention: MlaConfig) -> Array:
    """The keys' part (H, R, N) of the matrix (H * (N + Dv), R) that rebuilds both from the latent."""
    return _per_head(values, attention)[:, : attention.nope_size].swapaxes(1, 2)


def values_of(values: Array, *, attention: MlaConfig) -> Array:
    """The values' part (H, Dv, R) of the same matrix."""
    return _per_head(values, attention)[:, attention.nope_size :]


def _per_head(values: Array, attention: MlaConfig) -> Array:
    return values.reshape(attention.num_heads, -1, attention.kv_rank)  # (H, N + Dv, R)


def _hyperparameters(config: ModelConfig) -> dict[str, Value]:
    attention, moe = _attention_of(config), config.moe
    values: dict[str, Value] = {
        **common_hyperparameters(config),
        "block_count": config.num_layers + config.num_mtp_layers,
        "leading_dense_block_count": config.moe_layers.index(True)
        if _has_experts(config)
        else config.num_layers,
        "attention.head_count_kv": 1,
        "attention.q_lora_rank": attention.q_rank or 0,
        "attention.kv_lora_rank": attention.kv_rank,
        "attention.key_length": attention.row_width,
        "attention.value_length": attention.kv_rank,
        "attention.key_length_mla": attention.head_size,
        "attention.value_length_mla": attention.value_size,
        "rope.dimension_count": attention.rope_size,
        **latent_rope(config.rope),
    }
    if moe is None or not _has_experts(config):
        return values | {"expert_feed_forward_length": config.feed_forward_size, "expert_shared_count": 0}
    values |= expert_hyperparameters(config)
    is_limited = moe.groups_per_token < moe.num_groups  # llama.cpp aborts where all groups may be used
    values |= {
        "expert_shared_count": moe.shared_size // moe.expert_size,
        "expert_group_count": moe.num_groups if is_limited else 1,
        "expert_group_used_count": moe.groups_per_token if is_limited else 1,
        "expert_gating_func": GATING[moe.scoring],
        "expert_weights_norm": moe.normalizes,
        "expert_weights_scale": moe.scaling,
    }
    if config.num_mtp_layers:
        values["nextn_predict_layers"] = config.num_mtp_layers
    return values


def _tensors(config: ModelConfig) -> Iterator[Mapped]:
    moe = config.moe
    yield from whole_model(config)
    for layer in range(config.num_layers + config.num_mtp_layers):
        prefix = f"model.layers.{layer}"
        yield from layer_norms(config, layer)
        if layer >= config.num_layers:
            yield from _mtp(config, layer)
        yield from _latent_attention(config, layer)
        if moe is None or not config.has_experts(layer):
            yield from feed_forward(config, f"{prefix}.mlp", layer, config.feed_forward_size)
            continue
        yield from experts(config, layer)
        if moe.has_correction_bias:
            source, name = f"{prefix}.mlp.gate.e_score_correction_bias", f"blk.{layer}.exp_probs_b.bias"
            yield plain(source, name, moe.num_experts)
        shared = f"{prefix}.mlp.{moe.shared_name}"
        yield from feed_forward(config, shared, layer, moe.shared_size, suffix="_shexp")


def _latent_attention(config: ModelConfig, layer: int) -> Iterator[Mapped]:
    attention, size = _attention_of(config), config.hidden_size
    heads, rank = attention.num_heads, attention.kv_rank
    prefix, block = f"model.layers.{layer}.self_attn", f"blk.{layer}"
    queries = heads * attention.head_size
    if attention.q_rank is None:
        yield plain(f"{prefix}.q_proj.weight", f"{block}.attn_q.weight", queries, size)
    else:
        yield plain(f"{prefix}.q_a_proj.weight", f"{block}.attn_q_a.weight", attention.q_rank, size)
        yield plain(f"{prefix}.q_a_layernorm.weight", f"{block}.attn_q_a_norm.weight", attention.q_rank)
        yield plain(f"{prefix}.q_b_proj.weight", f"{block}.attn_q_b.weight", queries, attention.q_rank)
    latent = f"{block}.attn_kv_a_mqa.weight"
    yield plain(f"{prefix}.kv_a_proj_with_mqa.weight", latent, attention.row_width, size)
    yield plain(f"{prefix}.kv_a_layernorm.weight", f"{block}.attn_kv_a_norm.weight", rank)
    nope, value = attention.nope_size, attention.value_size
    for name, shape, part in (
        ("attn_k_b", (heads, rank, nope), keys_of),
        ("attn_v_b", (heads, value, rank), values_of),
    ):
        yield Mapped(
            name=f"{block}.{name}.weight",
            sources=(f"{prefix}.kv_b_proj.weight",),
            source_shape=(heads * (nope + value), rank),
            shape=shape,
            arrange=partial(part, attention=attention),
        )
    yield plain(f"{prefix}.o_proj.weight", f"{block}.attn_output.weight", size, heads * value)


def _mtp(config: ModelConfig, layer: int) -> Iterator[Mapped]:
    prefix, block, size = f"model.layers.{layer}", f"blk.{layer}.nextn", config.hidden_size
    yield plain(f"{prefix}.eh_proj.weight", f"{block}.eh_proj.weight", size, 2 * size)
    yield plain(f"{prefix}.enorm.weight", f"{block}.enorm.weight", size)
    yield plain(f"{prefix}.hnorm.weight", f"{block}.hnorm.weight", size)
    yield plain(f"{prefix}.shared_head.norm.weight", f"{block}.shared_head_norm.weight", size)


def _problem(config: ModelConfig) -> str:
    attention, moe = _attention_of(config), config.moe
    if attention.has_bias or config.feed_forward_bias:
        return "llama.cpp knows no biases in this architecture"
    if not config.rope.interleaved:
        return "llama.cpp turns neighbouring values of latent attention, this model the halves of a head"
    if attention.q_rank is not None and config.num_layers in LITE_LAYERS:
        return f"llama.cpp knows {config.num_layers} layers only without the queries' bottleneck"
    if moe is not None and _has_experts(config):
        if not all(config.moe_layers[config.moe_layers.index(True) :]):
            return "llama.cpp knows dense layers only before those with experts"
        if not 2 <= moe.num_experts <= MAX_EXPERTS:
            return f"llama.cpp knows 2 to {MAX_EXPERTS} experts, this model has {moe.num_experts}"
        if not moe.shared_size:
            return "llama.cpp knows these models only with a shared expert"
    return rope_problem(config)


def _notes(config: ModelConfig) -> tuple[str, ...]:
    attention, moe, found = _attention_of(config), config.moe, list[str]()
    if moe is not None and moe.group_score == "max" and moe.groups_per_token < moe.num_groups:
        found.append("llama.cpp ranks groups of experts by their best two, this model by the best one")
    if config.norm_eps != attention.latent_eps:
        found.append(
            f"llama.cpp uses {config.norm_eps:g} instead of {attention.latent_eps:g} in the latent's norms"
        )
    return tuple(found)


def _has_experts(config: ModelConfig) -> bool:
    return config.moe is not None and any(config.moe_layers)


def _attention_of(config: ModelConfig) -> MlaConfig:
    assert isinstance(config.attention, MlaConfig)
    return config.attention


LAYOUT = Layout(
    architecture="deepseek2",
    hyperparameters=_hyperparameters,
    tensors=_tensors,
    problem=_problem,
    notes=_notes,
)

"""From a GGUF file's metadata to `ModelConfig`, by the meaning that llama.cpp gives its keys."""

from engine.contract.errors import ModelUnsupported
from engine.library.engines import TORCH_ARCHITECTURES
from engine.library.gguf import GgufHeader
from engine.transformer.config import (
    GqaConfig,
    MlaConfig,
    ModelConfig,
    MoeConfig,
    RopeConfig,
    yarn_magnitude,
)
from engine.transformer.config_readers import MAX_LAYERS, Fields
from engine.transformer.gguf_source import frequency_divisors

SOFTMAX, SIGMOID = 1, 2  # llama.cpp's numbers of gating functions


def read_gguf_config(header: GgufHeader) -> ModelConfig:
    """The hyperparameters of a GGUF file; raises ModelDamaged or ModelUnsupported."""
    architecture, path = header.architecture, str(header.path)
    if architecture not in TORCH_ARCHITECTURES:
        raise ModelUnsupported(path, f"the torch engine does not know the architecture {architecture!r:.60}")
    prefix = f"{architecture}."
    values = {key.removeprefix(prefix): v for key, v in header.metadata.items() if key.startswith(prefix)}
    fields = Fields(path, values)
    attention = _mla(fields) if architecture == "deepseek2" else _gqa(fields, header)
    mtp_layers = fields.whole("nextn_predict_layers", 0, least=0, most=16)
    num_layers = fields.whole("block_count", most=MAX_LAYERS) - mtp_layers
    if num_layers < 1:
        raise fields.damaged("nextn_predict_layers", mtp_layers)
    shapes = {info.name: info.shape[::-1] for info in header.tensors}
    moe = _experts(fields, architecture, shapes) if fields.whole("expert_count", 0, least=0) else None
    dense = fields.whole("leading_dense_block_count", 0, least=0)
    return ModelConfig(
        model_type=architecture,
        vocabulary_size=shapes.get("token_embd.weight", (fields.whole("vocab_size", 1),))[0],
        hidden_size=fields.whole("embedding_length"),
        feed_forward_size=fields.whole("feed_forward_length"),
        num_layers=num_layers,
        context_length=fields.whole("context_length", most=2**31),
        norm_eps=fields.number("attention.layer_norm_rms_epsilon"),
        rope=_rope(fields, header, attention),
        attention=attention,
        moe=moe,
        moe_layers=tuple(moe is not None and layer >= dense for layer in range(num_layers)),
        num_mtp_layers=mtp_layers,
        has_tied_embeddings="output.weight" not in shapes,
    )


def _gqa(fields: Fields, header: GgufHeader) -> GqaConfig:
    names = {info.name for info in header.tensors}
    num_heads = fields.whole("attention.head_count")
    num_kv_heads = fields.whole("attention.head_count_kv", num_heads)
    if num_heads % num_kv_heads:
        raise fields.damaged("attention.head_count_kv", num_kv_heads)
    head_size = fields.whole("attention.key_length", fields.whole("embedding_length") // num_heads or 1)
    fields.require("attention.value_length", head_size)
    if head_size % 2:
        raise fields.damaged("attention.key_length", head_size)
    return GqaConfig(
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_size=head_size,
        qkv_bias="blk.0.attn_q.bias" in names,
        output_bias="blk.0.attn_output.bias" in names,
        has_head_norms="blk.0.attn_q_norm.weight" in names,
    )


def _mla(fields: Fields) -> MlaConfig:
    """Newer files name sizes of the absorbed form and, with `_mla`, those of the heads; older the heads'."""
    rope_size = fields.whole("rope.dimension_count")
    head_size = fields.whole("attention.key_length_mla", fields.whole("attention.key_length"))
    if rope_size % 2 or rope_size >= head_size:
        raise fields.damaged("rope.dimension_count", rope_size)
    return MlaConfig(
        num_heads=fields.whole("attention.head_count"),
        q_rank=fields.whole("attention.q_lora_rank") if fields.has("attention.q_lora_rank") else None,
        kv_rank=fields.whole("attention.kv_lora_rank"),
        nope_size=head_size - rope_size,
        rope_size=rope_size,
        value_size=fields.whole("attention.value_length_mla", fields.whole("attention.value_length")),
        latent_eps=fields.number("attention.layer_norm_rms_epsilon"),  # as llama.cpp computes
    )


def _experts(fields: Fields, architecture: str, shapes: dict[str, tuple[int, ...]]) -> MoeConfig:
    if architecture not in ("deepseek2", "qwen2moe", "qwen3moe"):
        raise ModelUnsupported(fields.path, f"the torch engine knows no experts in {architecture} models")
    is_deepseek = architecture == "deepseek2"
    num_experts = fields.whole("expert_count", most=2**16)
    fields.require("expert_gating_func", *((SOFTMAX, SIGMOID) if is_deepseek else (SOFTMAX,)))
    scoring = fields.whole("expert_gating_func", SOFTMAX)
    num_groups = fields.whole("expert_group_count", 1, most=num_experts)
    scaling = fields.number("expert_weights_scale") if fields.values.get("expert_weights_scale") else 1.0
    size, shared = _expert_sizes(fields, architecture, shapes)
    group_size, rest = divmod(num_experts, num_groups)
    if rest or (num_groups > 1 and group_size < 2):
        raise fields.damaged("expert_group_count", num_groups)
    groups_per_token = fields.whole("expert_group_used_count", 1, most=num_groups)
    return MoeConfig(
        num_experts=num_experts,
        experts_per_token=fields.whole("expert_used_count", most=groups_per_token * group_size),
        expert_size=size,
        scoring="sigmoid" if scoring == SIGMOID else "softmax",
        shared_size=shared,
        has_shared_gate=architecture == "qwen2moe",
        has_correction_bias=any(name.endswith("exp_probs_b.bias") for name in shapes),
        num_groups=num_groups,
        groups_per_token=groups_per_token,
        group_score="top2" if scoring == SIGMOID else "max",
        normalizes=fields.flag("expert_weights_norm", default=architecture == "qwen3moe"),
        scaling=scaling,
    )


def _expert_sizes(fields: Fields, architecture: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, int]:
    """Inner sizes of one expert and of the shared ones together; of older files from the tensors."""
    found = next((s[1] for name, s in shapes.items() if name.endswith("ffn_gate_exps.weight")), None)
    size = fields.whole("expert_feed_forward_length", found)
    if architecture == "qwen2moe":
        found = next((s[0] for name, s in shapes.items() if name.endswith("ffn_gate_shexp.weight")), None)
        return size, fields.whole("expert_shared_feed_forward_length", found)
    return size, size * fields.whole("expert_shared_count", 0, least=0)


def _rope(fields: Fields, header: GgufHeader, attention: GqaConfig | MlaConfig) -> RopeConfig:
    is_mla = isinstance(attention, MlaConfig)
    size = attention.rope_size if isinstance(attention, MlaConfig) else attention.head_size
    if not is_mla:
        fields.require("rope.dimension_count", size)
    theta = fields.number("rope.freq_base", 10_000.0)
    interleaved = is_mla or header.architecture == "llama"  # llama.cpp's "norm", the others' is "neox"
    kind = fields.values.get("rope.scaling.type", "none")
    divisors = frequency_divisors(header)
    if divisors and len(divisors) != size // 2:
        raise fields.damaged("rope_freqs.weight", f"{len(divisors)} values")
    if kind not in ("linear", "yarn"):
        fields.require("rope.scaling.type", "none")
        return RopeConfig(size=size, theta=theta, divisors=divisors, interleaved=interleaved)
    factor = fields.number("rope.scaling.factor")
    is_yarn = kind == "yarn"
    magnitude, score_factor = _yarn_factors(fields, factor, is_mla=is_mla) if is_yarn else (1.0, 1.0)
    return RopeConfig(
        size=size,
        theta=theta,
        scaling="yarn" if is_yarn else "linear",
        factor=factor,
        original_length=fields.whole("rope.scaling.original_context_length", most=2**31) if is_yarn else 0,
        beta_fast=fields.number("rope.scaling.yarn_beta_fast", 32.0),
        beta_slow=fields.number("rope.scaling.yarn_beta_slow", 1.0),
        magnitude=magnitude,
        score_factor=score_factor,
        interleaved=interleaved,
    )


def _yarn_factors(fields: Fields, factor: float, *, is_mla: bool) -> tuple[float, float]:
    """What rotations and scores are multiplied by (llama-context.cpp, `yarn_attn_factor`; deepseek2.cpp)."""
    weight = 10 * float(fields.values.get("rope.scaling.yarn_log_multiplier", 0.0))
    attention_factor = fields.number("rope.scaling.attn_factor", 1.0)
    if not is_mla:
        return attention_factor * yarn_magnitude(factor), 1.0
    magnitude = attention_factor * (1.0 if weight else yarn_magnitude(factor))
    return magnitude, (magnitude * yarn_magnitude(factor, weight)) ** 2

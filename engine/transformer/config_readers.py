"""From config.json to `ModelConfig`, one function per family; `READERS` says which `model_type` goes where.

A new family is one function here. Numbers are checked for their range only: that they fit the weights is
seen when the weights are read, before memory is taken. `auto_map` and the like are never looked at.
"""

from collections.abc import Callable
from typing import Any, Literal

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import CONFIG, Checkpoint
from engine.transformer.config import (
    GqaConfig,
    MlaConfig,
    ModelConfig,
    MoeConfig,
    RopeConfig,
    yarn_magnitude,
)

MAX_LAYERS = 512
MAX_SIZE = 2**24


class Fields:
    """The entries of a config.json, each checked when it is asked for."""

    def __init__(self, path: str, values: dict[str, Any]) -> None:
        self.path, self.values = path, values

    def whole(self, name: str, default: int | None = None, *, most: int = MAX_SIZE, least: int = 1) -> int:
        """A whole number; missing or null takes the default, without one it is an error."""
        value = self.values.get(name)
        value = default if value is None else value
        if type(value) is not int or not least <= value <= most:
            raise self.damaged(name, value)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number above 0 and within float32."""
        value = self.values.get(name)
        value = default if value is None else value
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e30:
            raise self.damaged(name, value)
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false; null is the default."""
        value = self.values.get(name)
        return bool(default if value is None else value)

    def has(self, name: str) -> bool:
        """Whether an entry is there and not null."""
        return self.values.get(name) is not None

    def require(self, name: str, *allowed: object) -> None:
        """Refuse an entry with which this family would compute something else."""
        if (value := self.values.get(name, allowed[0])) not in allowed:
            raise ModelUnsupported(
                self.path, f"{name} is {value!r:.40}, which the torch engine does not know"
            )

    def damaged(self, name: str, value: object) -> ModelDamaged:
        """What to raise for a value out of range."""
        return ModelDamaged(self.path, f"{name} is {value!r:.40}")


Reader = Callable[[Fields], ModelConfig]


def read_config(checkpoint: Checkpoint) -> ModelConfig:
    """The hyperparameters of a checkpoint; raises ModelDamaged or ModelUnsupported."""
    path = str(checkpoint.folder / CONFIG)
    model_type = checkpoint.config.get("model_type")
    reader = READERS.get(model_type) if isinstance(model_type, str) else None
    if reader is None:
        raise ModelUnsupported(path, f"the torch engine does not know the architecture {model_type!r:.60}")
    fields = Fields(path, checkpoint.config)
    fields.require("hidden_act", "silu", "swish")
    return reader(fields)


def _llama(fields: Fields) -> ModelConfig:
    fields.require("sliding_window", None)
    bias = fields.flag("attention_bias")
    return _model(fields, _gqa(fields, qkv_bias=bias, output_bias=bias), mlp_bias=fields.flag("mlp_bias"))


def _qwen2(fields: Fields) -> ModelConfig:
    fields.require("use_sliding_window", False, None)
    return _model(fields, _gqa(fields, qkv_bias=True))


def _qwen2_moe(fields: Fields) -> ModelConfig:
    fields.require("use_sliding_window", False, None)
    moe = _qwen_experts(fields, shared_size=fields.whole("shared_expert_intermediate_size"))
    attention = _gqa(fields, qkv_bias=fields.flag("qkv_bias", default=True))
    return _model(fields, attention, moe=moe, moe_layers=_qwen_moe_layers(fields))


def _qwen3(fields: Fields) -> ModelConfig:
    fields.require("use_sliding_window", False, None)
    bias = fields.flag("attention_bias")
    return _model(fields, _gqa(fields, qkv_bias=bias, output_bias=bias, has_head_norms=True))


def _qwen3_moe(fields: Fields) -> ModelConfig:
    fields.require("use_sliding_window", False, None)
    bias = fields.flag("attention_bias")
    attention = _gqa(fields, qkv_bias=bias, output_bias=bias, has_head_norms=True)
    return _model(fields, attention, moe=_qwen_experts(fields), moe_layers=_qwen_moe_layers(fields))


def _deepseek_v2(fields: Fields) -> ModelConfig:
    """DeepSeek-V2 and V2-Lite (arXiv:2405.04434): softmax routing."""
    fields.require("topk_method", "greedy", "group_limited_greedy", None)
    fields.require("scoring_func", "softmax")
    normalizes = fields.flag("norm_topk_prob")
    moe = None
    if fields.has("n_routed_experts"):
        limited = fields.values.get("topk_method") == "group_limited_greedy"
        moe = _deepseek_experts(
            fields,
            scoring="softmax",
            num_groups=fields.whole("n_group") if limited else 1,
            normalizes=normalizes,
            scaling=1.0 if normalizes else fields.number("routed_scaling_factor", 1.0),  # either, not both
        )
    return _model(fields, _mla(fields), moe=moe, moe_layers=_deepseek_moe_layers(fields, dense=0))


def _deepseek_v3(fields: Fields) -> ModelConfig:
    """DeepSeek-V3, R1, V3.1 (arXiv:2412.19437), Moonlight, Kimi K2, GLM-4.7-Flash: sigmoid routing, MTP."""
    fields.require("topk_method", "noaux_tc", None)
    fields.require("scoring_func", "sigmoid")
    moe = None
    if fields.has("n_routed_experts"):
        moe = _deepseek_experts(
            fields,
            scoring="sigmoid",
            num_groups=fields.whole("n_group", 1),
            normalizes=fields.flag("norm_topk_prob", default=True),
            scaling=fields.number("routed_scaling_factor", 1.0),
        )
    dense = 1 if fields.values["model_type"] == "glm4_moe_lite" else 3
    moe_layers = _deepseek_moe_layers(fields, dense=dense)
    return _model(fields, _mla(fields), moe=moe, moe_layers=moe_layers)


def _dense_mla(fields: Fields) -> ModelConfig:
    """Youtu-LLM: DeepSeek's attention without experts."""
    return _model(fields, _mla(fields), mlp_bias=fields.flag("mlp_bias"))


READERS: dict[str, Reader] = {
    "deepseek_v2": _deepseek_v2,
    "deepseek_v3": _deepseek_v3,
    "glm4_moe_lite": _deepseek_v3,
    "kimi_k2": _deepseek_v3,
    "llama": _llama,
    "mistral": _llama,
    "qwen2": _qwen2,
    "qwen2_moe": _qwen2_moe,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "youtu": _dense_mla,
    "youtu_llm": _dense_mla,
}


def _model(
    fields: Fields,
    attention: GqaConfig | MlaConfig,
    *,
    moe: MoeConfig | None = None,
    moe_layers: tuple[bool, ...] = (),
    mlp_bias: bool = False,
) -> ModelConfig:
    """What all families share."""
    return ModelConfig(
        model_type=fields.values["model_type"],
        vocabulary_size=fields.whole("vocab_size"),
        hidden_size=fields.whole("hidden_size"),
        feed_forward_size=fields.whole("intermediate_size"),
        num_layers=fields.whole("num_hidden_layers", most=MAX_LAYERS),
        context_length=fields.whole("max_position_embeddings", most=2**31),
        norm_eps=fields.number("rms_norm_eps", 1e-6),
        rope=_rope(fields, attention),
        attention=attention,
        moe=moe,
        moe_layers=moe_layers,
        num_mtp_layers=fields.whole("num_nextn_predict_layers", 0, least=0, most=16),
        has_tied_embeddings=fields.flag("tie_word_embeddings"),
        feed_forward_bias=mlp_bias,
        fp8_block=_fp8_block(fields),
    )


def _gqa(
    fields: Fields, *, qkv_bias: bool = False, output_bias: bool = False, has_head_norms: bool = False
) -> GqaConfig:
    num_heads = fields.whole("num_attention_heads")
    num_kv_heads = fields.whole("num_key_value_heads", num_heads)
    if num_heads % num_kv_heads:
        raise fields.damaged("num_key_value_heads", num_kv_heads)
    return GqaConfig(
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_size=_even(fields, "head_dim", fields.whole("hidden_size") // num_heads),
        qkv_bias=qkv_bias,
        output_bias=output_bias,
        has_head_norms=has_head_norms,
    )


def _mla(fields: Fields) -> MlaConfig:
    return MlaConfig(
        num_heads=fields.whole("num_attention_heads"),
        q_rank=fields.whole("q_lora_rank") if fields.has("q_lora_rank") else None,
        kv_rank=fields.whole("kv_lora_rank"),
        nope_size=fields.whole("qk_nope_head_dim"),
        rope_size=_even(fields, "qk_rope_head_dim", None),
        value_size=fields.whole("v_head_dim"),
        has_bias=fields.flag("attention_bias"),
    )


def _even(fields: Fields, name: str, default: int | None) -> int:
    size = fields.whole(name, default)
    if size % 2:
        raise fields.damaged(name, size)
    return size


def _qwen_experts(fields: Fields, *, shared_size: int = 0) -> MoeConfig:
    """Qwen2-MoE and Qwen3-MoE: softmax over all experts, one shared expert behind a gate or none."""
    name = "num_experts" if fields.has("num_experts") else "num_local_experts"  # transformers 5's name
    num_experts = fields.whole(name, most=2**16)
    return MoeConfig(
        num_experts=num_experts,
        experts_per_token=fields.whole("num_experts_per_tok", most=num_experts),
        expert_size=fields.whole("moe_intermediate_size"),
        scoring="softmax",
        shared_size=shared_size,
        shared_name="shared_expert",
        has_shared_gate=shared_size > 0,
        normalizes=fields.flag("norm_topk_prob"),
    )


def _deepseek_experts(
    fields: Fields,
    *,
    scoring: Literal["softmax", "sigmoid"],
    num_groups: int,
    normalizes: bool,
    scaling: float,
) -> MoeConfig:
    """DeepSeek: groups of experts; V2 ranks a group by its best expert, V3 by its best two."""
    num_experts = fields.whole("n_routed_experts", most=2**16)
    groups_per_token = fields.whole("topk_group", most=num_groups) if num_groups > 1 else 1
    group_size, rest = divmod(num_experts, num_groups)
    if rest or (num_groups > 1 and scoring == "sigmoid" and group_size < 2):
        raise fields.damaged("n_group", num_groups)
    expert_size = fields.whole("moe_intermediate_size")
    return MoeConfig(
        num_experts=num_experts,
        experts_per_token=fields.whole("num_experts_per_tok", most=groups_per_token * group_size),
        expert_size=expert_size,
        scoring=scoring,
        shared_size=expert_size * fields.whole("n_shared_experts", 0, least=0),
        has_correction_bias=scoring == "sigmoid",
        num_groups=num_groups,
        groups_per_token=groups_per_token,
        group_score="top2" if scoring == "sigmoid" else "max",
        normalizes=normalizes,
        scaling=scaling,
    )


def _deepseek_moe_layers(fields: Fields, *, dense: int) -> tuple[bool, ...]:
    num_layers = fields.whole("num_hidden_layers", most=MAX_LAYERS)
    if isinstance(kinds := fields.values.get("mlp_layer_types"), list):
        if len(kinds) != num_layers or not set(kinds) <= {"dense", "sparse"}:
            raise fields.damaged("mlp_layer_types", kinds)
        return tuple(kind == "sparse" for kind in kinds)
    dense = fields.whole("first_k_dense_replace", dense, least=0)
    every = fields.whole("moe_layer_freq", 1)
    return tuple(layer >= dense and layer % every == 0 for layer in range(num_layers))


def _qwen_moe_layers(fields: Fields) -> tuple[bool, ...]:
    step = fields.whole("decoder_sparse_step", 1)
    dense = fields.values.get("mlp_only_layers") or []
    num_layers = fields.whole("num_hidden_layers", most=MAX_LAYERS)
    return tuple(layer not in dense and (layer + 1) % step == 0 for layer in range(num_layers))


def _rope(fields: Fields, attention: GqaConfig | MlaConfig) -> RopeConfig:
    """`rope_parameters` (transformers 5) or `rope_scaling` beside `rope_theta` (before)."""
    given = fields.values.get("rope_parameters") or fields.values.get("rope_scaling") or {}
    if not isinstance(given, dict):
        raise fields.damaged("rope_scaling", given)
    scaling = Fields(fields.path, given)
    kind = given.get("rope_type", given.get("type", "default"))
    theta = scaling.number("rope_theta", fields.number("rope_theta", 10_000.0))
    if theta <= 1:
        raise fields.damaged("rope_theta", theta)
    for part in (fields, scaling):
        part.require("partial_rotary_factor", 1, None)
    is_mla = isinstance(attention, MlaConfig)
    size = attention.rope_size if isinstance(attention, MlaConfig) else attention.head_size
    interleaved = is_mla and fields.flag("rope_interleave", default=True)
    trained = fields.whole("max_position_embeddings", most=2**31)
    if kind == "default":
        return RopeConfig(size=size, theta=theta, interleaved=interleaved)
    if kind not in ("linear", "yarn", "llama3"):
        raise ModelUnsupported(fields.path, f"the torch engine does not know the RoPE scaling {kind!r:.40}")
    original = scaling.whole("original_max_position_embeddings", trained, most=2**31)
    factor = scaling.number("factor", trained / original)
    magnitude, score_factor = _yarn_factors(scaling, factor, is_mla=is_mla) if kind == "yarn" else (1.0, 1.0)
    low, high = scaling.number("low_freq_factor", 1.0), scaling.number("high_freq_factor", 4.0)
    if low >= high:
        raise scaling.damaged("high_freq_factor", high)
    return RopeConfig(
        size=size,
        theta=theta,
        scaling=kind,
        factor=factor,
        original_length=original,
        beta_fast=scaling.number("beta_fast", 32.0),
        beta_slow=scaling.number("beta_slow", 1.0),
        rounds_band=scaling.flag("truncate", default=True),
        magnitude=magnitude,
        score_factor=score_factor,
        low_freq_factor=low,
        high_freq_factor=high,
        interleaved=interleaved,
    )


def _yarn_factors(scaling: Fields, factor: float, *, is_mla: bool) -> tuple[float, float]:
    """DeepSeek moves YaRN's temperature from the rotation (both sides of a score) to the score itself."""
    weight, whole_head = (
        scaling.number(name) if scaling.values.get(name) else 0.0 for name in ("mscale", "mscale_all_dim")
    )
    if scaling.has("attention_factor"):
        magnitude = scaling.number("attention_factor")
    elif weight and whole_head:
        magnitude = yarn_magnitude(factor, weight) / yarn_magnitude(factor, whole_head)
    else:
        magnitude = yarn_magnitude(factor)
    score_factor = yarn_magnitude(factor, whole_head) ** 2 if is_mla and whole_head else 1.0
    return magnitude, score_factor


def _fp8_block(fields: Fields) -> tuple[int, int] | None:
    quantization = fields.values.get("quantization_config")
    if quantization is None:
        return None
    given = Fields(fields.path, quantization if isinstance(quantization, dict) else {})
    method, block = given.values.get("quant_method"), given.values.get("weight_block_size")
    if method != "fp8" or not isinstance(block, list) or len(block) != 2:
        raise ModelUnsupported(
            fields.path, f"its weights are quantized in a way not known here ({method!r:.40})"
        )
    given.require("fmt", "e4m3", None)
    if not all(type(size) is int and 1 <= size <= 2**16 for size in block):
        raise given.damaged("weight_block_size", block)
    return block[0], block[1]

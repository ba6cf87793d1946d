"""Checkpoints small enough to write in a test: DeepSeek-V3's layout with MTP layers, or a plain Llama."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

DEEPSEEK: dict[str, Any] = {
    "model_type": "deepseek_v3",
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "moe_intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_nextn_predict_layers": 1,
    "first_k_dense_replace": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "q_lora_rank": 12,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 4,
    "v_head_dim": 6,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "n_group": 2,
    "topk_group": 1,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
    "routed_scaling_factor": 2.5,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
}
LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
}

Arrays = dict[str, np.ndarray[Any, Any]]


def shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The tensors that a checkpoint of this configuration has, spelled out here a second time."""
    size = config["hidden_size"]
    names: dict[str, tuple[int, ...]] = {}
    names["model.embed_tokens.weight"] = names["lm_head.weight"] = (config["vocab_size"], size)
    names["model.norm.weight"] = (size,)
    num_layers = config["num_hidden_layers"]
    for layer in range(num_layers + config.get("num_nextn_predict_layers", 0)):
        prefix = f"model.layers.{layer}"
        names |= {f"{prefix}.{norm}_layernorm.weight": (size,) for norm in ("input", "post_attention")}
        attention = _latent(config) if "kv_lora_rank" in config else _grouped(config)
        names |= {f"{prefix}.self_attn.{name}.weight": shape for name, shape in attention.items()}
        if layer >= config.get("first_k_dense_replace", num_layers + 1):
            names |= _mixture(config, f"{prefix}.mlp")
        else:
            names |= _feed_forward(f"{prefix}.mlp", size, config["intermediate_size"])
        if layer >= num_layers:
            names |= {f"{prefix}.{norm}.weight": (size,) for norm in ("enorm", "hnorm", "shared_head.norm")}
            names[f"{prefix}.eh_proj.weight"] = (size, 2 * size)
    return names


def random_arrays(config: dict[str, Any], seed: int = 0) -> Arrays:
    """Float32 weights that keep the scale of what passes through."""
    rng = np.random.default_rng(seed)

    def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        if "norm" in name:
            return rng.normal(1.0, 0.2, shape).astype(np.float32)
        return rng.normal(0.0, 0.1 if len(shape) == 1 else shape[-1] ** -0.5, shape).astype(np.float32)

    return {name: drawn(name, shape) for name, shape in shapes(config).items()}


def write_checkpoint(folder: Path, config: dict[str, Any], arrays: Arrays, *, num_shards: int = 1) -> Path:
    """Write config.json and the shards, with an index where there are several."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if num_shards == 1:
        save_file(arrays, folder / "model.safetensors")
        return folder
    names = list(arrays)
    places: dict[str, str] = {}
    for shard in range(num_shards):
        file = f"model-{shard + 1:05}-of-{num_shards:05}.safetensors"
        part = {name: arrays[name] for name in names[shard::num_shards]}
        save_file(part, folder / file)
        places |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


def _latent(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    size, heads, rank = config["hidden_size"], config["num_attention_heads"], config["kv_lora_rank"]
    nope, rope, value = (config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    names: dict[str, tuple[int, ...]] = {
        "kv_a_proj_with_mqa": (rank + rope, size),
        "kv_a_layernorm": (rank,),
        "kv_b_proj": (heads * (nope + value), rank),
        "o_proj": (size, heads * value),
    }
    if (narrow := config["q_lora_rank"]) is None:
        return names | {"q_proj": (heads * (nope + rope), size)}
    names |= {"q_a_proj": (narrow, size), "q_a_layernorm": (narrow,)}
    return names | {"q_b_proj": (heads * (nope + rope), narrow)}


def _grouped(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    size, groups = config["hidden_size"], config["num_key_value_heads"]
    keys = size // config["num_attention_heads"] * groups
    return {"q_proj": (size, size), "k_proj": (keys, size), "v_proj": (keys, size), "o_proj": (size, size)}


def _mixture(config: dict[str, Any], prefix: str) -> dict[str, tuple[int, ...]]:
    size, inner, experts = config["hidden_size"], config["moe_intermediate_size"], config["n_routed_experts"]
    names: dict[str, tuple[int, ...]] = {f"{prefix}.gate.weight": (experts, size)}
    names[f"{prefix}.gate.e_score_correction_bias"] = (experts,)
    for expert in range(experts):
        names |= _feed_forward(f"{prefix}.experts.{expert}", size, inner)
    return names | _feed_forward(f"{prefix}.shared_experts", size, inner * config["n_shared_experts"])


def _feed_forward(prefix: str, size: int, inner: int) -> dict[str, tuple[int, ...]]:
    sides = {"gate_proj": (inner, size), "up_proj": (inner, size), "down_proj": (size, inner)}
    return {f"{prefix}.{name}.weight": shape for name, shape in sides.items()}


TEMPLATE = "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]"


def write_tokenizer(folder: Path, *, num_tokens: int = 260) -> None:
    """A byte-level tokenizer: one token per byte, then `<s>`, `</s>`, `<think>` and `<|user|>`."""
    import tokenizers  # noqa: PLC0415  (tests without torch have none)
    from tokenizers.decoders import ByteLevel as Decoder  # noqa: PLC0415
    from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415

    alphabet = sorted(ByteLevel.alphabet())
    model = tokenizers.models.BPE({character: n for n, character in enumerate(alphabet)}, [])
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=False), Decoder()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.add_tokens(["<think>"])
    tokenizer.add_special_tokens(["<|user|>", *(f"<{n}>" for n in range(260, num_tokens))])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"add_bos_token": True}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [257, 259]}))


def write_small_tokenizer(folder: Path, num_tokens: int) -> None:
    """A byte-level tokenizer of single characters, of which not every byte has one."""
    import tokenizers  # noqa: PLC0415  (tests without torch have none)
    from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415

    alphabet = sorted(ByteLevel.alphabet(), key=lambda character: (character not in "ĠĊ", character))
    model = tokenizers.models.BPE({character: n for n, character in enumerate(alphabet[:num_tokens])}, [])
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_chat_checkpoint(folder: Path, config: dict[str, Any], *, seed: int = 0) -> Path:
    """A whole model that can be talked to."""
    config = config | {"vocab_size": 260}
    write_checkpoint(folder, config, random_arrays(config, seed))
    write_tokenizer(folder)
    return folder

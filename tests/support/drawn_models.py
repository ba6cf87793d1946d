"""Small models of transformers with sizes drawn at random: what the torch engine is compared with."""

import random
from pathlib import Path
from typing import Any

import torch
import transformers

from engine.library.checkpoint import read_checkpoint
from engine.transformer.model import Transformer, load_model

transformers.utils.logging.disable_progress_bar()

VOCABULARY_SIZE = 96
FAMILIES = (
    "DeepseekV3", "DeepseekV2", "Glm4MoeLite", "Youtu", "Llama", "Qwen2", "Qwen3", "Qwen2Moe", "Qwen3Moe"
)  # fmt: skip


def draw(seed: int) -> Any:
    """A random model of transformers; the seed chooses its family, its sizes and its weights."""
    rng = random.Random(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    options = _shared(rng)
    if family in ("DeepseekV3", "DeepseekV2", "Glm4MoeLite", "Youtu"):
        options |= _latent_attention(rng)
    else:
        options |= _grouped_attention(rng, family)
    options |= _experts(rng, family, options["num_hidden_layers"])
    config = getattr(transformers, f"{family}Config")(**options)
    model = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    fill(model, seed)
    return model


def fill(model: Any, seed: int) -> None:
    """Weights that keep the scale of what passes through, and norms and biases that matter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in [*model.named_parameters(), *model.named_buffers()]:
            if "norm" in name and "bias" not in name:
                values.normal_(1.0, 0.2, generator=generator)
            elif name.endswith("bias"):
                values.normal_(0.0, 0.1, generator=generator)
            elif "inv_freq" not in name:
                values.normal_(0.0, values.shape[-1] ** -0.5, generator=generator)


def ours(model: Any, folder: Path) -> Transformer:
    """The same weights in the torch engine, by way of a checkpoint that transformers writes."""
    model.save_pretrained(folder, max_shard_size=random.Random(0).choice(["40KB", "5GB"]))
    return load_model(read_checkpoint(folder))


def _shared(rng: random.Random) -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": rng.choice([48, 96]),  # what every number of heads divides
        "intermediate_size": rng.choice([40, 64, 96]),
        "num_hidden_layers": rng.choice([2, 3]),
        "max_position_embeddings": 256,
        "rms_norm_eps": rng.choice([1e-6, 1e-5]),
        "rope_parameters": _rope(rng),
        "tie_word_embeddings": rng.random() < 0.3,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": None,
    }


def _rope(rng: random.Random) -> dict[str, Any]:
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": rng.choice([100.0, 10_000.0, 1e6])}
    if rng.random() < 0.5:
        rope |= {"rope_type": "yarn", "factor": rng.choice([2.0, 4.0, 40.0])}
        rope |= {"original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1}
        mscale = rng.choice([None, 0.707, 1.0])
        if mscale is not None:
            rope |= {"mscale": mscale, "mscale_all_dim": rng.choice([0.5, mscale])}
    return rope


def _latent_attention(rng: random.Random) -> dict[str, Any]:
    heads = rng.choice([2, 3, 4])
    return {
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "q_lora_rank": rng.choice([None, 12, 24]),
        "kv_lora_rank": rng.choice([8, 16]),
        "qk_nope_head_dim": rng.choice([6, 8, 16]),
        "qk_rope_head_dim": rng.choice([4, 8]),
        "v_head_dim": rng.choice([6, 8, 16, 32]),
        "attention_bias": rng.random() < 0.3,
    }


def _grouped_attention(rng: random.Random, family: str) -> dict[str, Any]:
    groups = rng.choice([1, 2])
    options: dict[str, Any] = {
        "num_attention_heads": groups * rng.choice([1, 2, 4]),
        "num_key_value_heads": groups,
        "head_dim": rng.choice([8, 16]),
    }
    if family in ("Qwen2", "Qwen2Moe"):  # their attention has no head_dim of its own
        del options["head_dim"]
        options["num_attention_heads"] = groups * rng.choice([2, 4])
    if family in ("Llama", "Qwen3", "Qwen3Moe"):
        options["attention_bias"] = rng.random() < 0.3
    if family == "Llama":
        options["mlp_bias"] = rng.random() < 0.3
    return options


def _experts(rng: random.Random, family: str, num_layers: int) -> dict[str, Any]:
    groups, group_size = rng.choice([(1, 8), (2, 4), (4, 3)])
    kept = rng.randint(1, groups)
    per_token = rng.randint(1, min(4, kept * group_size))
    routed: dict[str, Any] = {
        "num_experts_per_tok": per_token,
        "moe_intermediate_size": rng.choice([16, 24]),
        "norm_topk_prob": rng.random() < 0.5,
    }
    if family in ("DeepseekV3", "DeepseekV2", "Glm4MoeLite"):
        routed |= {
            "n_routed_experts": groups * group_size,
            "n_group": groups,
            "topk_group": kept,
            "n_shared_experts": rng.choice([1, 2]),
            "routed_scaling_factor": rng.choice([1.0, 2.5]),
        }
    if family == "DeepseekV2":
        routed["topk_method"] = rng.choice(["greedy", "group_limited_greedy"])
        del routed["norm_topk_prob"]  # transformers ignores it there
    if family in ("DeepseekV3", "DeepseekV2"):
        routed["first_k_dense_replace"] = rng.choice([0, 1, num_layers])
    if family == "Glm4MoeLite":
        routed["mlp_layer_types"] = [rng.choice(["dense", "sparse"]) for _ in range(num_layers)]
    if family in ("Qwen2Moe", "Qwen3Moe"):
        routed |= {"num_experts": 8, "decoder_sparse_step": rng.choice([1, 2])}
    if family == "Qwen2Moe":
        routed["shared_expert_intermediate_size"] = 24
    return routed if family in ("DeepseekV3", "DeepseekV2", "Glm4MoeLite", "Qwen2Moe", "Qwen3Moe") else {}

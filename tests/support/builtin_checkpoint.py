"""The built-in model turned back from GGUF into a checkpoint: the same weights for the torch engine.

The inverse of `engine.quantization.convert`, written with other people's reader.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q_a": "self_attn.q_a_proj",
    "attn_q_a_norm": "self_attn.q_a_layernorm",
    "attn_q_b": "self_attn.q_b_proj",
    "attn_kv_a_mqa": "self_attn.kv_a_proj_with_mqa",
    "attn_kv_a_norm": "self_attn.kv_a_layernorm",
    "attn_output": "self_attn.o_proj",
    "ffn_gate_inp": "mlp.gate",
    "nextn.eh_proj": "eh_proj",
    "nextn.enorm": "enorm",
    "nextn.hnorm": "hnorm",
    "nextn.shared_head_norm": "shared_head.norm",
} | {f"ffn_{side}": f"mlp.{side}_proj" for side in ("gate", "up", "down")}
NAMES |= {f"ffn_{side}_shexp": f"mlp.shared_experts.{side}_proj" for side in ("gate", "up", "down")}
CONFIG = {
    "vocab_size": "vocab_size",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "first_k_dense_replace": "leading_dense_block_count",
    "num_nextn_predict_layers": "nextn_predict_layers",
    "num_attention_heads": "attention.head_count",
    "q_lora_rank": "attention.q_lora_rank",
    "kv_lora_rank": "attention.kv_lora_rank",
    "qk_rope_head_dim": "rope.dimension_count",
    "v_head_dim": "attention.value_length_mla",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "rope_theta": "rope.freq_base",
    "n_routed_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "n_shared_experts": "expert_shared_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "n_group": "expert_group_count",
    "topk_group": "expert_group_used_count",
    "norm_topk_prob": "expert_weights_norm",
    "routed_scaling_factor": "expert_weights_scale",
}

Arrays = dict[str, np.ndarray[Any, Any]]


def write_builtin_checkpoint(path: Path, folder: Path) -> Path:
    """Write the folder; its weights are the file's, dequantized."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    config = {name: fields[f"deepseek2.{key}"] for name, key in CONFIG.items()}
    config["num_hidden_layers"] = fields["deepseek2.block_count"] - config["num_nextn_predict_layers"]
    config["num_key_value_heads"] = config["num_attention_heads"]
    config["qk_nope_head_dim"] = fields["deepseek2.attention.key_length_mla"] - config["qk_rope_head_dim"]
    config |= {"model_type": "deepseek_v3", "hidden_act": "silu", "tie_word_embeddings": True}
    (folder / "config.json").write_text(json.dumps(config))
    weights = {each.name: dequantize(each.data, each.tensor_type) for each in reader.tensors}
    save_file(_tensors(weights), folder / "model.safetensors")
    _write_tokenizer(fields, folder)
    return folder


def _tensors(weights: Arrays) -> Arrays:
    arrays: Arrays = {
        "model.embed_tokens.weight": weights["token_embd.weight"],
        "model.norm.weight": weights["output_norm.weight"],
    }
    for name, values in weights.items():
        if not name.startswith("blk."):
            continue
        _, layer, rest = name.split(".", 2)
        prefix, part = f"model.layers.{layer}", rest.rpartition(".")[0]
        if part == "exp_probs_b":
            arrays[f"{prefix}.mlp.gate.e_score_correction_bias"] = values
        elif part.endswith("_exps"):
            side = part.split("_")[1]
            for expert, matrix in enumerate(values):
                arrays[f"{prefix}.mlp.experts.{expert}.{side}_proj.weight"] = np.ascontiguousarray(matrix)
        elif part == "attn_k_b":
            both = np.concatenate([values.swapaxes(1, 2), weights[f"blk.{layer}.attn_v_b.weight"]], axis=1)
            arrays[f"{prefix}.self_attn.kv_b_proj.weight"] = both.reshape(-1, both.shape[-1])
        elif part != "attn_v_b":
            arrays[f"{prefix}.{NAMES[part]}.weight"] = values
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in arrays.items()}


def _write_tokenizer(fields: dict[str, Any], folder: Path) -> None:
    tokens, types = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    vocabulary = {token: number for number, token in enumerate(tokens) if types[number] == 1}
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == 3]
    visible = [token for token, kind in zip(tokens, types, strict=True) if kind == 4]
    whole = vocabulary | {token: tokens.index(token) for token in (*special, *visible)}
    tokenizer = Tokenizer(models.BPE(whole, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in visible])
    tokenizer.save(str(folder / "tokenizer.json"))
    begin, end = (tokens[fields[f"tokenizer.ggml.{name}_token_id"]] for name in ("bos", "eos"))
    settings = {"bos_token": begin, "eos_token": end, "add_bos_token": True}
    settings["chat_template"] = fields["tokenizer.chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

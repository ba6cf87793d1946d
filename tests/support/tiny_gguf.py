"""A checkpoint's arrays as a GGUF file, in llama.cpp's names and layouts, written out here a second time."""

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

from tests.support.tiny_checkpoint import Arrays

Array = np.ndarray[Any, Any]


def write_deepseek_gguf(
    path: Path,
    config: dict[str, Any],
    arrays: Arrays,
    *,
    split_up: bool = True,
    kind: GGMLQuantizationType = GGMLQuantizationType.F32,
) -> Path:
    """Write a DeepSeek-V3 with its MTP layers; `split_up` cuts `kv_b_proj` as newer files do."""
    writer = GGUFWriter(path, "deepseek2")
    number = config.__getitem__
    nope, rope, value = number("qk_nope_head_dim"), number("qk_rope_head_dim"), number("v_head_dim")
    num_mtp = config.get("num_nextn_predict_layers", 0)
    num_layers = number("num_hidden_layers") + num_mtp
    for key, given in {
        "block_count": num_layers,
        "nextn_predict_layers": num_mtp,
        "context_length": number("max_position_embeddings"),
        "embedding_length": number("hidden_size"),
        "feed_forward_length": number("intermediate_size"),
        "leading_dense_block_count": number("first_k_dense_replace"),
        "vocab_size": number("vocab_size"),
        "attention.head_count": number("num_attention_heads"),
        "attention.head_count_kv": 1 if split_up else number("num_attention_heads"),
        "attention.q_lora_rank": number("q_lora_rank"),
        "attention.kv_lora_rank": number("kv_lora_rank"),
        "attention.key_length": number("kv_lora_rank") + rope if split_up else nope + rope,
        "attention.value_length": number("kv_lora_rank") if split_up else value,
        "rope.dimension_count": rope,
        "expert_count": number("n_routed_experts"),
        "expert_used_count": number("num_experts_per_tok"),
        "expert_shared_count": number("n_shared_experts"),
        "expert_feed_forward_length": number("moe_intermediate_size"),
        "expert_gating_func": 2,
        "expert_group_count": number("n_group"),
        "expert_group_used_count": number("topk_group"),
    }.items():
        writer.add_uint32(f"deepseek2.{key}", given)
    if split_up:
        writer.add_uint32("deepseek2.attention.key_length_mla", nope + rope)
        writer.add_uint32("deepseek2.attention.value_length_mla", value)
    writer.add_float32("deepseek2.attention.layer_norm_rms_epsilon", number("rms_norm_eps"))
    writer.add_float32("deepseek2.expert_weights_scale", number("routed_scaling_factor"))
    writer.add_bool("deepseek2.expert_weights_norm", number("norm_topk_prob"))
    writer.add_float32("deepseek2.rope.freq_base", number("rope_theta"))
    writer.add_tokenizer_model("no_vocab")
    for name, array in _renamed(config, arrays, num_layers, split_up=split_up).items():
        narrow = array.ndim > 1 and array.shape[-1] % 32 == 0 and "inp" not in name
        if narrow and kind != GGMLQuantizationType.F32:
            writer.add_tensor(name, quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _renamed(config: dict[str, Any], arrays: Arrays, num_layers: int, *, split_up: bool) -> dict[str, Array]:
    found = {
        "token_embd.weight": arrays["model.embed_tokens.weight"],
        "output_norm.weight": arrays["model.norm.weight"],
        "output.weight": arrays["lm_head.weight"],
    }
    simple = {
        "input_layernorm.weight": "attn_norm.weight",
        "post_attention_layernorm.weight": "ffn_norm.weight",
        "self_attn.q_a_proj.weight": "attn_q_a.weight",
        "self_attn.q_a_layernorm.weight": "attn_q_a_norm.weight",
        "self_attn.q_b_proj.weight": "attn_q_b.weight",
        "self_attn.kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
        "self_attn.kv_a_layernorm.weight": "attn_kv_a_norm.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "mlp.gate_proj.weight": "ffn_gate.weight",
        "mlp.up_proj.weight": "ffn_up.weight",
        "mlp.down_proj.weight": "ffn_down.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
        "mlp.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
        "mlp.shared_experts.up_proj.weight": "ffn_up_shexp.weight",
        "mlp.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
        "enorm.weight": "nextn.enorm.weight",
        "hnorm.weight": "nextn.hnorm.weight",
        "eh_proj.weight": "nextn.eh_proj.weight",
        "shared_head.norm.weight": "nextn.shared_head_norm.weight",
    }
    for layer in range(num_layers):
        theirs, ours = f"model.layers.{layer}", f"blk.{layer}"
        found |= {
            f"{ours}.{b}": arrays[f"{theirs}.{a}"] for a, b in simple.items() if f"{theirs}.{a}" in arrays
        }
        if f"{theirs}.mlp.gate.weight" in arrays:
            for side in ("gate", "up", "down"):
                each = [
                    arrays[f"{theirs}.mlp.experts.{expert}.{side}_proj.weight"]
                    for expert in range(config["n_routed_experts"])
                ]
                found[f"{ours}.ffn_{side}_exps.weight"] = np.stack(each)
        up = arrays[f"{theirs}.self_attn.kv_b_proj.weight"]
        if not split_up:
            found[f"{ours}.attn_kv_b.weight"] = up
            continue
        heads = up.reshape(config["num_attention_heads"], -1, up.shape[-1])
        nope = config["qk_nope_head_dim"]
        found[f"{ours}.attn_k_b.weight"] = np.ascontiguousarray(heads[:, :nope].swapaxes(1, 2))
        found[f"{ours}.attn_v_b.weight"] = np.ascontiguousarray(heads[:, nope:])
    return found

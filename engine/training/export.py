"""A trained Hugging Face folder of the Llama layout, written as a GGUF file.

`python -m engine.training.export DIR OUT.gguf [--type q8_0]`; knows the Llama layout and byte-level BPE only.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM

NAME = "Retort built-in"
DESCRIPTION = (
    "A very small demonstration model: short children's stories and one line of small talk. "
    "Trained on stories by Pratham Books and African Storybook (CC-BY) and other data; see its model card."
)
LAYER_TENSORS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TYPES = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}


def interleave_rotary_rows(weight: NDArray[np.float32], num_heads: int) -> NDArray[np.float32]:
    """The rows of a query or key matrix in llama.cpp's order: rotated pairs side by side in each head."""
    halves = weight.reshape(num_heads, 2, -1, weight.shape[1])  # (H, half, D/2, hidden)
    return halves.swapaxes(1, 2).reshape(weight.shape)


def gguf_tensors(model: Any) -> dict[str, NDArray[np.float32]]:
    """The model's weights under their names in GGUF; a tied output is left out."""
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, parameter in model.state_dict().items():
        weight: NDArray[np.float32] = parameter.detach().float().numpy()
        if name == "model.embed_tokens.weight":
            tensors["token_embd.weight"] = weight
        elif name == "model.norm.weight":
            tensors["output_norm.weight"] = weight
        elif name == "lm_head.weight":
            if not config.tie_word_embeddings:
                tensors["output.weight"] = weight
        else:
            layer, _, part = name.removeprefix("model.layers.").partition(".")
            short = LAYER_TENSORS[part.removesuffix(".weight")]
            if short in heads:
                weight = interleave_rotary_rows(weight, heads[short])
            tensors[f"blk.{layer}.{short}.weight"] = weight
    return tensors


def add_architecture(writer: Any, config: Any, file_type: gguf.LlamaFileType) -> None:
    """The keys that describe the model and its shape."""
    head_size = config.hidden_size // config.num_attention_heads
    writer.add_name(NAME)
    writer.add_author("Retort")
    writer.add_organization("Retort")
    writer.add_description(DESCRIPTION)
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_dimension_count(head_size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def add_tokenizer(writer: Any, folder: Path, config: Any) -> None:
    """The vocabulary, the merges, the special tokens and the chat template."""
    described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    special = {token["content"] for token in described["added_tokens"] if token["special"]}
    tokens = [f"[unused {token_id}]" for token_id in range(config.vocab_size)]
    types = [int(gguf.TokenType.UNUSED)] * config.vocab_size
    for token, token_id in described["model"]["vocab"].items():
        tokens[token_id] = token
        types[token_id] = int(gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in described["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_eot_token_id(config.eos_token_id)
    writer.add_pad_token_id(config.pad_token_id)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    template = folder / "chat_template.jinja"
    if template.exists():
        writer.add_chat_template(template.read_text(encoding="utf-8"))


def export(folder: Path, path: Path, *, weight_type: str = "q8_0") -> None:
    """Write the model of `folder` to the GGUF file `path`; vectors stay in 32 bits."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    matrix_type, file_type = TYPES[weight_type]
    writer = gguf.GGUFWriter(path, "llama")
    add_architecture(writer, model.config, file_type)
    add_tokenizer(writer, folder, model.config)
    for name, weight in gguf_tensors(model).items():
        stored = matrix_type if weight.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(weight, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(arguments: list[str] | None = None) -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.export", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("path", type=Path)
    parser.add_argument("--type", choices=sorted(TYPES), default="q8_0", help="of the matrices")
    options = parser.parse_args(arguments)
    export(options.folder, options.path, weight_type=options.type)


if __name__ == "__main__":
    main()

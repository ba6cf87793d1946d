"""A checkpoint of DeepSeek-V3's layout written as a GGUF file that llama.cpp's `deepseek2` graph runs.

`python -m engine.quantization.convert FOLDER OUT.gguf [--type Q8_0]`.

What llama.cpp wants otherwise than a checkpoint has it: experts in one tensor per layer; the matrix that
rebuilds keys and values from the latent in two, the keys' turned around, because its graph always absorbs
them (see `engine.transformer.mla`); attention described as one key-value head as wide as a cached row. The
MTP layer is one more block with `nextn` tensors; it sees the hidden state after the last norm, as the model's
`engine.transformer.mtp` does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.contract.errors import ModelUnsupported
from engine.library.checkpoint import Checkpoint, chat_template, read_checkpoint, read_json
from engine.library.disk_room import check_room
from engine.quantization.gguf_file import BLOCK, Array, Tensor, Value, write_gguf

ARCHITECTURE = "deepseek2"
SIGMOID = 2  # llama.cpp's number of the gating function
FILE_TYPES = {"F32": 0, "F16": 1, "Q8_0": 7}
QUANTIZATION_VERSION = 2
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # token types

LAYER_TENSORS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_a_proj": "attn_q_a",
    "self_attn.q_a_layernorm": "attn_q_a_norm",
    "self_attn.q_b_proj": "attn_q_b",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
}
SIDES = ("gate", "up", "down")
MTP_TENSORS = {
    "eh_proj": "nextn.eh_proj",
    "enorm": "nextn.enorm",
    "hnorm": "nextn.hnorm",
    "shared_head.norm": "nextn.shared_head_norm",
}
ALWAYS_F32 = ("norm.weight", "ffn_gate_inp.weight", "exp_probs_b.bias")


def convert(
    folder: Path,
    path: Path,
    *,
    weight_type: str = "Q8_0",
    about: dict[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Write the checkpoint of `folder` to the GGUF file `path`; vectors and routers stay in float32.

    `about` is what the file says of itself: the `general.` keys, such as name and license; `progress`
    hears how many tensors of all are written. Raises ModelUnsupported for another layout, StorageFailed where
    the disk has no room, OSError where it cannot be written.
    """
    checkpoint = read_checkpoint(folder)
    if checkpoint.config.get("model_type") != "deepseek_v3" or not checkpoint.config.get("q_lora_rank"):
        raise ModelUnsupported(str(folder), "only DeepSeek-V3's layout can be converted")
    if checkpoint.config.get("rope_scaling"):
        raise ModelUnsupported(str(folder), "stretched rotary positions cannot be converted yet")
    metadata: dict[str, Value] = {"general.architecture": ARCHITECTURE, "general.type": "model"}
    metadata |= {f"general.{key}": value for key, value in (about or {}).items()}
    metadata |= {"general.file_type": FILE_TYPES[weight_type]}
    metadata |= {"general.quantization_version": QUANTIZATION_VERSION}
    metadata |= {f"{ARCHITECTURE}.{key}": value for key, value in hyperparameters(checkpoint.config).items()}
    metadata |= {f"tokenizer.{key}": value for key, value in vocabulary(folder, checkpoint.config).items()}
    planned = list(tensors(checkpoint, weight_type))
    check_room(path, sum(tensor.size_bytes for tensor in planned))
    write_gguf(path, metadata, planned, progress)


def hyperparameters(config: dict[str, Any]) -> dict[str, Value]:
    """What llama.cpp is told of the model's shape."""
    head_size = config["qk_nope_head_dim"] + config["qk_rope_head_dim"]
    num_mtp_layers = config.get("num_nextn_predict_layers") or 0
    values: dict[str, Value] = {
        "block_count": config["num_hidden_layers"] + num_mtp_layers,
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "leading_dense_block_count": config["first_k_dense_replace"],
        "vocab_size": config["vocab_size"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": 1,
        "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "attention.q_lora_rank": config["q_lora_rank"],
        "attention.kv_lora_rank": config["kv_lora_rank"],
        "attention.key_length": config["kv_lora_rank"] + config["qk_rope_head_dim"],
        "attention.value_length": config["kv_lora_rank"],
        "attention.key_length_mla": head_size,
        "attention.value_length_mla": config["v_head_dim"],
        "rope.dimension_count": config["qk_rope_head_dim"],
        "rope.freq_base": float(config["rope_theta"]),
        "expert_count": config["n_routed_experts"],
        "expert_used_count": config["num_experts_per_tok"],
        "expert_shared_count": config["n_shared_experts"],
        "expert_feed_forward_length": config["moe_intermediate_size"],
        "expert_group_count": config["n_group"],
        "expert_group_used_count": config["topk_group"],
        "expert_gating_func": SIGMOID,
        "expert_weights_norm": bool(config["norm_topk_prob"]),
        "expert_weights_scale": float(config["routed_scaling_factor"]),
    }
    if num_mtp_layers:
        values["nextn_predict_layers"] = num_mtp_layers
    return values


def vocabulary(folder: Path, config: dict[str, Any]) -> dict[str, Value]:
    """A byte-level BPE of GPT-2's split: tokens, merges, what the special ones are for, the chat template."""
    described, settings = (read_json(folder / name) for name in ("tokenizer.json", "tokenizer_config.json"))
    tokens = [f"[unused {token_id}]" for token_id in range(config["vocab_size"])]
    types = [UNUSED] * len(tokens)
    for token, token_id in described["model"]["vocab"].items():
        tokens[token_id], types[token_id] = token, NORMAL
    for added in described["added_tokens"]:
        tokens[added["id"]] = added["content"]
        types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in described["model"]["merges"]]
    ids = token_ids(folder, config, settings)
    values: dict[str, Value] = {
        "ggml.model": "gpt2",
        "ggml.pre": "gpt-2",
        "ggml.tokens": tokens,
        "ggml.token_type": types,
        "ggml.merges": merges,
        **{f"ggml.{name}_token_id": token_id for name, token_id in ids.items()},
        "ggml.add_bos_token": bool(settings.get("add_bos_token", False)),
        "ggml.add_eos_token": False,
    }
    if template := chat_template(folder):
        values["chat_template"] = template
    return values


def token_ids(folder: Path, config: dict[str, Any], settings: dict[str, Any]) -> dict[str, int]:
    """The ids of the tokens that begin and end a text, and that fill rows, where they are named."""
    described = read_json(folder / "tokenizer.json")
    by_content = {added["content"]: added["id"] for added in described["added_tokens"]}
    found: dict[str, int] = {}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("eot", "eos"), ("padding", "pad")):
        token = settings.get(f"{key}_token")
        content = token.get("content") if isinstance(token, dict) else token
        token_id = config.get(f"{key}_token_id", by_content.get(content))
        if isinstance(token_id, int):
            found[name] = token_id
    return found


def tensors(checkpoint: Checkpoint, weight_type: str) -> Iterator[Tensor]:
    """Every tensor of the file. A tied output matrix is left out: llama.cpp takes the embedding."""
    config = checkpoint.config

    def tensor(name: str, shape: tuple[int, ...], read: Callable[[], Array]) -> Tensor:
        if len(shape) == 1 or name.endswith(ALWAYS_F32):
            stored = "F32"
        elif weight_type == "Q8_0" and shape[-1] % BLOCK:
            stored = "F16"
        else:
            stored = weight_type
        return Tensor(name=name, shape=shape, type=stored, read=read)

    def plain(source: str, name: str) -> Tensor:
        return tensor(name, checkpoint.tensors[source][1].shape, lambda: values_of(checkpoint, source))

    yield plain("model.embed_tokens.weight", "token_embd.weight")
    yield plain("model.norm.weight", "output_norm.weight")
    if not config.get("tie_word_embeddings"):
        yield plain("lm_head.weight", "output.weight")
    num_layers = config["num_hidden_layers"]
    for layer in range(num_layers + (config.get("num_nextn_predict_layers") or 0)):
        prefix, block = f"model.layers.{layer}", f"blk.{layer}"
        names = LAYER_TENSORS | (MTP_TENSORS if layer >= num_layers else {})
        for source, name in names.items():
            yield plain(f"{prefix}.{source}.weight", f"{block}.{name}.weight")
        for part, name in ((0, "attn_k_b"), (1, "attn_v_b")):
            yield tensor(
                f"{block}.{name}.weight",
                absorbed_shape(config, part),
                lambda prefix=prefix, part=part: absorbed(checkpoint, prefix, part),  # type: ignore[misc]
            )
        if layer < config["first_k_dense_replace"]:
            for side in SIDES:
                yield plain(f"{prefix}.mlp.{side}_proj.weight", f"{block}.ffn_{side}.weight")
            continue
        yield plain(f"{prefix}.mlp.gate.weight", f"{block}.ffn_gate_inp.weight")
        yield plain(f"{prefix}.mlp.gate.e_score_correction_bias", f"{block}.exp_probs_b.bias")
        for side in SIDES:
            yield plain(f"{prefix}.mlp.shared_experts.{side}_proj.weight", f"{block}.ffn_{side}_shexp.weight")
            sources = [
                f"{prefix}.mlp.experts.{n}.{side}_proj.weight" for n in range(config["n_routed_experts"])
            ]
            yield tensor(
                f"{block}.ffn_{side}_exps.weight",
                (len(sources), *checkpoint.tensors[sources[0]][1].shape),
                lambda sources=sources: np.stack([values_of(checkpoint, each) for each in sources]),  # type: ignore[misc]
            )


def absorbed_shape(config: dict[str, Any], part: int) -> tuple[int, int, int]:
    """The shape of `absorbed`."""
    heads, rank = config["num_attention_heads"], config["kv_lora_rank"]
    return (heads, rank, config["qk_nope_head_dim"]) if part == 0 else (heads, config["v_head_dim"], rank)


def absorbed(checkpoint: Checkpoint, prefix: str, part: int) -> Array:
    """The keys' (H, R, N) or the values' (H, Dv, R) part of the matrix that rebuilds both from the latent."""
    config = checkpoint.config
    both = values_of(checkpoint, f"{prefix}.self_attn.kv_b_proj.weight")  # (H * (N + Dv), R)
    per_head = both.reshape(config["num_attention_heads"], -1, config["kv_lora_rank"])  # (H, N + Dv, R)
    nope = config["qk_nope_head_dim"]
    return per_head[:, :nope].swapaxes(1, 2) if part == 0 else per_head[:, nope:]


def values_of(checkpoint: Checkpoint, name: str) -> Array:
    """A tensor of the checkpoint in float32; raises ModelUnsupported for types that numpy lacks."""
    header, info = checkpoint.tensors[name]
    with header.path.open("rb") as file:
        file.seek(header.data_start + info.start)
        data = file.read(info.size_bytes)
    if info.dtype == "BF16":
        widened = np.frombuffer(data, dtype="<u2").astype(np.uint32) << 16
        return widened.view(np.float32).reshape(info.shape)
    if info.dtype not in ("F32", "F16"):
        raise ModelUnsupported(str(checkpoint.folder), f"the tensor {name} has type {info.dtype}")
    stored = np.frombuffer(data, dtype={"F32": "<f4", "F16": "<f2"}[info.dtype])
    return stored.astype(np.float32).reshape(info.shape)


def main(arguments: list[str] | None = None) -> None:
    """Convert from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.quantization.convert", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("path", type=Path)
    parser.add_argument("--type", choices=sorted(FILE_TYPES), default="Q8_0", help="of the matrices")
    parser.add_argument(
        "--about", metavar="KEY=TEXT", nargs="*", default=[], help="what the file says of itself"
    )
    options = parser.parse_args(arguments)
    about = dict(pair.split("=", 1) for pair in options.about)
    convert(options.folder, options.path, weight_type=options.type, about=about)


if __name__ == "__main__":
    main()

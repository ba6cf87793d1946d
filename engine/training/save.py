"""A trained model as a folder that the torch engine reads: config.json, model.safetensors and the tokenizer.

Names and shapes are those of DeepSeek-V3's checkpoints, so that other programs read it, too.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from engine.library.checkpoint import CONFIG, SINGLE, read_checkpoint
from engine.training.model import TrainedModel
from engine.training.tokenizer import BEGIN, CHAT_TEMPLATE, END, PAD, SPECIAL_TOKENS
from engine.transformer.config import MlaConfig, ModelConfig
from engine.transformer.config_readers import read_config
from engine.transformer.tensor_source import CheckpointSource
from engine.transformer.weights import Weights


def save_model(model: TrainedModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the folder, the weights in float32."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config_entries(model.config), indent=2), encoding="utf-8")
    write_safetensors(folder / SINGLE, dict(checkpoint_tensors(model)))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIAL_TOKENS[BEGIN],
        "eos_token": SPECIAL_TOKENS[END],
        "pad_token": SPECIAL_TOKENS[PAD],
        "add_bos_token": True,
        "model_max_length": model.config.context_length,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": END}), encoding="utf-8")


def config_entries(config: ModelConfig) -> dict[str, Any]:
    """What config.json says of the model, in the words of DeepSeek-V3's."""
    attention, moe = config.attention, config.moe
    assert isinstance(attention, MlaConfig)
    assert moe is not None
    return {
        "architectures": ["DeepseekV3ForCausalLM"],
        "model_type": config.model_type,
        "torch_dtype": "float32",
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.feed_forward_size,
        "num_hidden_layers": config.num_layers,
        "num_nextn_predict_layers": config.num_mtp_layers,
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope.theta,
        "tie_word_embeddings": config.has_tied_embeddings,
        "hidden_act": "silu",
        "num_attention_heads": attention.num_heads,
        "num_key_value_heads": attention.num_heads,
        "q_lora_rank": attention.q_rank,
        "kv_lora_rank": attention.kv_rank,
        "qk_nope_head_dim": attention.nope_size,
        "qk_rope_head_dim": attention.rope_size,
        "v_head_dim": attention.value_size,
        "first_k_dense_replace": config.moe_layers.index(True),
        "moe_layer_freq": 1,
        "moe_intermediate_size": moe.expert_size,
        "n_routed_experts": moe.num_experts,
        "num_experts_per_tok": moe.experts_per_token,
        "n_shared_experts": moe.shared_size // moe.expert_size,
        "scoring_func": moe.scoring,
        "topk_method": "noaux_tc",
        "n_group": moe.num_groups,
        "topk_group": moe.groups_per_token,
        "norm_topk_prob": moe.normalizes,
        "routed_scaling_factor": moe.scaling,
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "pad_token_id": PAD,
    }


def checkpoint_tensors(model: TrainedModel) -> Iterator[tuple[str, Tensor]]:
    """The weights under their names in a checkpoint; of a stack of experts each by itself."""
    for name, tensor in model.state_dict().items():
        full = f"model.{name}"
        if full.endswith(".mlp.router.weight"):
            yield full.replace(".router.", ".gate."), tensor
        elif full.endswith(".mlp.correction"):
            yield full.replace(".correction", ".gate.e_score_correction_bias"), tensor
        elif found := re.fullmatch(r"(.*\.mlp)\.(gate_up|down)", full):
            for expert, matrix in enumerate(tensor):
                prefix = f"{found[1]}.experts.{expert}"
                if found[2] == "down":
                    yield f"{prefix}.down_proj.weight", matrix
                else:
                    gate, up = matrix.chunk(2)
                    yield f"{prefix}.gate_proj.weight", gate
                    yield f"{prefix}.up_proj.weight", up
        else:
            yield full, tensor


def load_trained(folder: Path) -> TrainedModel:
    """A saved model, to be trained or taught from; raises ModelDamaged where a tensor is missing."""
    checkpoint = read_checkpoint(folder)
    model = TrainedModel(read_config(checkpoint))
    source = CheckpointSource(checkpoint, None)
    weights = Weights(source, dtype=torch.float32, device=torch.device("cpu"))
    with torch.no_grad():
        for name, tensor in checkpoint_tensors(model):  # views: what is copied into them is in the model
            tensor.copy_(weights.tensor(name, *tensor.shape))
    return model


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write float32 tensors in the safetensors format: an index in JSON, then the bytes."""
    entries: dict[str, Any] = {}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + 4 * tensor.numel()
        entries[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for tensor in tensors.values():
            file.write(tensor.detach().float().contiguous().numpy().tobytes())

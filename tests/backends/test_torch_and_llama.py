"""The two engines on the same weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")

from gguf import GGUFReader

from engine.backends.choose import load_backend
from engine.backends.llama.backend import LlamaBackend
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.sampler import LogitsSampler
from engine.library.checkpoint import read_checkpoint
from engine.transformer.model import load_model
from tests.support.generation import compute
from tests.support.tiny_checkpoint import write_checkpoint
from tests.support.tiny_model import CONTEXT, FEED_FORWARD, HEADS, HIDDEN, LAYERS, VOCABULARY_SIZE

pytestmark = [pytest.mark.torch, pytest.mark.llama]

NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def as_checkpoint(model: Path, folder: Path) -> Path:
    """The tiny GGUF as a folder of safetensors; llama.cpp keeps the pairs of a head side by side."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for tensor in GGUFReader(model).tensors:
        *block, name, _ = tensor.name.split(".")
        values = np.array(tensor.data)
        if name in ("attn_q", "attn_k"):
            pairs = values.reshape(HEADS, HIDDEN // HEADS // 2, 2, HIDDEN)
            values = pairs.swapaxes(1, 2).reshape(HIDDEN, HIDDEN)
        prefix = f"model.layers.{block[1]}." if block else ""
        arrays[f"{prefix}{NAMES[name]}.weight"] = np.ascontiguousarray(values)
    config = {
        "model_type": "llama",
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
    }
    return write_checkpoint(folder, config, arrays)


def test_torch_and_llama_agree_on_the_greedy_answers_of_the_tiny_model(
    tiny_model: Path, tmp_path: Path
) -> None:
    ours = load_model(read_checkpoint(as_checkpoint(tiny_model, tmp_path)))
    params = LoadParams(threads=1, gpu_layers=0, kv_type="f32", context_length=128)
    llama = load_backend(str(tiny_model), params, lambda fraction: None, lambda: False)
    for prompt in ("Once upon a time", "x", "1 + 1 =", "Grüße, 世界!"):
        token_ids = llama.tokenize(prompt, add_special=True)
        cache = ours.new_cache(128)
        sampler = llama.sampler(SamplingParams(temperature=0), 0, token_ids)
        llama.truncate(0, 0)
        position = 0
        for _ in range(40):
            row = compute(llama, token_ids[position:], position)
            hidden = ours.hidden_states(token_ids[position:], position, cache)
            position = len(token_ids)
            token_ids.append(sampler.sample(row))
            assert token_ids[-1] == int(ours.logits(hidden[-1:]).argmax())
        sampler.close()
    llama.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"repeat_penalty": 1.3},
        {"frequency_penalty": 0.7, "presence_penalty": 0.4, "penalty_window": 10},
        {"repeat_penalty": 1.1, "penalty_window": -1, "logit_bias": ((40, 3.0), (41, -2.0))},
        {"dry_multiplier": 0.8, "penalty_window": -1},
        {"dry_multiplier": 1.2, "dry_base": 1.3, "dry_allowed_length": 1, "penalty_window": 30},
    ],
    ids=str,
)
def test_both_samplers_punish_alike(tiny_model: Path, changes: dict[str, Any]) -> None:
    params = SamplingParams(temperature=0, **changes)
    load = LoadParams(threads=1, gpu_layers=0, context_length=256)
    llama = load_backend(str(tiny_model), load, lambda fraction: None, lambda: False)
    assert isinstance(llama, LlamaBackend)
    size = llama.loaded.info.vocabulary_size

    token_ids = llama.tokenize('He said: "on and on and on and on"', add_special=True)
    theirs = llama.sampler(params, 0, token_ids)
    ours = LogitsSampler(params, 0, token_ids, logits=llama.logits, piece=llama.piece, vocabulary_size=size)
    row = compute(llama, token_ids)
    for position in range(len(token_ids), len(token_ids) + 60):
        expected, found = theirs.sample(row), ours.sample(row)
        assert found == expected
        row = compute(llama, [found], position)
    theirs.close()
    llama.close()

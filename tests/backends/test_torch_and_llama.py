"""The two engines on the same weights."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")

from gguf import GGUFReader

from engine.backends.choose import load_backend
from engine.backends.llama.backend import LlamaBackend
from engine.backends.llama.grammar import grammar_of_schema
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.grammar import Grammar, GrammarPath
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
        {"grammar": 'root ::= ([a-f]+ " "){20,} ", and so on" [^a-z]*', "frequency_penalty": 0.5},
    ],
    ids=str,
)
def test_both_samplers_punish_alike(tiny_model: Path, changes: dict[str, Any]) -> None:
    params = SamplingParams(temperature=0, **changes)
    load = LoadParams(threads=1, gpu_layers=0, context_length=256)
    llama = load_backend(str(tiny_model), load, lambda fraction: None, lambda: False)
    assert isinstance(llama, LlamaBackend)
    token_ids = llama.tokenize('He said: "on and on and on and on"', add_special=True)
    theirs = llama.sampler(params, 0, token_ids)
    ours = LogitsSampler(params, 0, token_ids, logits=llama.logits, vocabulary=llama.vocabulary)
    row = compute(llama, token_ids)
    for position in range(len(token_ids), len(token_ids) + 60):
        expected, found = theirs.sample(row), ours.sample(row)
        assert found == expected
        row = compute(llama, [found], position)
    theirs.close()
    llama.close()


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "ages": {"type": "array", "items": {"type": "integer"}},
        "kind": {"enum": ["é", 2, None]},
    },
    "required": ["name", "kind"],
}
GRAMMARS = [
    'root ::= ("yes" | "no" | "né") (" " [0-9]{1,3})* "!"?',
    'root ::= "\\x22" [^\\x22\\\\\\n]+ "\\u00e9"',
    'root ::= expr # a comment\nexpr ::= term ([-+*] term)*\nterm ::= [0-9]+ | "(" expr ")"',
    "root ::= . . [^ -~] [あ-ん]+",
    grammar_of_schema(json.dumps(SCHEMA)),
]


def is_text(piece: bytes) -> bool:
    return bool(piece.decode(errors="ignore").encode() == piece and piece.strip(b"\0"))


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_both_grammars_allow_the_same_tokens_all_the_way(tiny_model: Path, grammar: str) -> None:
    load = LoadParams(threads=1, gpu_layers=0, context_length=256)
    llama = load_backend(str(tiny_model), load, lambda fraction: None, lambda: False)
    assert isinstance(llama, LlamaBackend)
    rng = random.Random(0)
    # llama.cpp lets control tokens and bytes that are no UTF-8 pass as text: ours does not
    tokens = [token for token in range(llama.vocabulary.size) if is_text(llama.piece(token))]
    for _ in range(3):
        theirs = llama.sampler(SamplingParams(grammar=grammar), 0, [])
        ours = GrammarPath(Grammar(grammar, llama.vocabulary))
        for _ in range(25):
            allowed = [token for token in tokens if theirs._grammar_allows(token)]
            assert [token for token in tokens if ours.mask()[token]] == allowed
            assert [token for token in tokens if ours.allows(token)] == allowed
            assert all(ours.allows(token) == theirs._grammar_allows(token) for token in llama.end_tokens)
            if not allowed:
                break
            token = rng.choice(allowed)
            theirs.accept(token)
            ours.accept(token)
        theirs.close()
    llama.close()

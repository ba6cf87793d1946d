"""Every layout that is converted: llama.cpp computes what transformers does with the checkpoint.

Models are drawn at random, YaRN, tied embeddings, biases and groups of experts among them; what llama.cpp's
graphs cannot compute is refused. RETORT_FULL_TESTS=1 draws six times as many.
"""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs transformers")
pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from engine.contract.errors import ModelUnsupported
from engine.quantization.convert import convert
from tests.support.drawn_models import FAMILIES, VOCABULARY_SIZE, draw, fill
from tests.support.llama_logits import llama_logits
from tests.support.tiny_checkpoint import write_small_tokenizer

pytestmark = [pytest.mark.llama, pytest.mark.torch, pytest.mark.slow]

ROUNDS = (
    14 if os.environ.get("RETORT_FULL_TESTS") else 2
)  # times nine families; the first two hold every layout
TOLERANCE = 1e-3  # largest measured: 1.5e-4 in 63 draws, where llama.cpp's norm of the latent is another


def converted(theirs: Any, folder: Path) -> Path:
    return converted_with_notes(theirs, folder)[0]


def converted_with_notes(theirs: Any, folder: Path) -> tuple[Path, tuple[str, ...]]:
    theirs.save_pretrained(folder)
    write_small_tokenizer(folder, theirs.config.vocab_size)
    notes = convert(folder, folder / "out.gguf", weight_type="F32").notes
    return folder / "out.gguf", notes


def test_llama_cpp_computes_what_transformers_does(tmp_path: Path) -> None:
    found = Counter[str]()
    for seed in range(ROUNDS * len(FAMILIES)):
        family = FAMILIES[seed % len(FAMILIES)]
        theirs = draw(seed)
        rng = random.Random(seed)
        token_ids = [rng.randrange(VOCABULARY_SIZE) for _ in range(90)]
        try:
            path, notes = converted_with_notes(theirs, tmp_path / str(seed))
        except ModelUnsupported as error:
            assert "llama.cpp" in error.message, error
            found[f"{family} refused"] += 1
            continue
        if any("ranks groups" in note for note in notes):  # other experts, and it was said
            found[f"{family} noted"] += 1
            continue
        with torch.no_grad():
            expected = theirs(torch.tensor([token_ids])).logits[0].numpy()
        assert np.abs(llama_logits(path, token_ids) - expected).max() < TOLERANCE, (seed, family)
        found[family] += 1
    print(dict(found))
    assert {"DeepseekV3", "DeepseekV2", "Llama", "Qwen2", "Qwen3", "Qwen3Moe"} <= set(found)


@pytest.mark.parametrize("normalizes", [False, True])
def test_qwen2_moe_is_converted_as_far_as_llama_cpp_has_it(normalizes: bool, tmp_path: Path) -> None:
    config = transformers.Qwen2MoeConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        num_experts=8,
        moe_intermediate_size=16,
        shared_expert_intermediate_size=24,
        norm_topk_prob=normalizes,
        tie_word_embeddings=True,
    )
    theirs = transformers.Qwen2MoeForCausalLM(config).eval()
    fill(theirs, 1)
    if normalizes:
        with pytest.raises(ModelUnsupported, match="does not normalize"):
            converted(theirs, tmp_path)
        return
    token_ids = list(range(60))
    with torch.no_grad():
        expected = theirs(torch.tensor([token_ids])).logits[0].numpy()
    assert np.abs(llama_logits(converted(theirs, tmp_path), token_ids) - expected).max() < TOLERANCE


@pytest.mark.parametrize("kind", ["llama3", "linear"])
def test_stretched_positions_of_a_llama_are_kept(kind: str, tmp_path: Path) -> None:
    rope = {"rope_type": kind, "rope_theta": 10_000.0, "factor": 8.0}
    if kind == "llama3":
        rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=64,
        max_position_embeddings=256,
        rope_parameters=rope,
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    fill(theirs, 2)
    token_ids = [n % VOCABULARY_SIZE for n in range(200)]
    with torch.no_grad():
        expected = theirs(torch.tensor([token_ids])).logits[0].numpy()
    assert np.abs(llama_logits(converted(theirs, tmp_path), token_ids) - expected).max() < TOLERANCE

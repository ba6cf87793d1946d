"""Converted files in llama.cpp against the engines that read the checkpoints themselves.

F32 weights, F32 KV cache, plain attention. DeepSeek's layout, in bfloat16 and in FP8, against the torch
engine; Llama, Qwen2, Qwen3 and Qwen3-MoE against transformers. Told are the largest difference of any logit,
and how often both find the same token likeliest where the gap between the first two is larger than that.

    python -m benchmarks.convert_logits [FOLDER]     a trained model of DeepSeek's layout; else random weights
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine.library.checkpoint import read_checkpoint
from engine.quantization.convert import convert
from engine.transformer.model import load_model
from tests.support.drawn_models import fill
from tests.support.fp8_checkpoint import write_in_fp8
from tests.support.llama_logits import ExactLlama, Floats
from tests.support.llama_mtp import open_mtp
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint, write_small_tokenizer

TEXTS, LENGTH = 9, 250  # 2,250 positions
VOCABULARY = 256

Logits = Callable[[list[int]], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two engines make of one model."""

    model: str
    positions: int
    largest_difference: float
    mean_size: float  # of a logit
    clear_positions: int  # where the gap exceeds the largest difference
    same_first: float  # of those


def compare(model: str, ours: Logits, expected: Logits, vocabulary: int) -> Agreement:
    """Both on the same texts, drawn at random."""
    random = np.random.default_rng(1)
    texts = [random.integers(0, vocabulary, LENGTH).tolist() for _ in range(TEXTS)]
    found, wanted = (np.concatenate([logits(text) for text in texts]) for logits in (ours, expected))
    largest = float(np.abs(found - wanted).max())
    ordered = np.sort(wanted, axis=-1)
    clear = ordered[:, -1] - ordered[:, -2] > largest
    same = (found.argmax(-1) == wanted.argmax(-1))[clear]
    result = Agreement(
        model=model,
        positions=len(found),
        largest_difference=largest,
        mean_size=float(np.abs(wanted).mean()),
        clear_positions=int(clear.sum()),
        same_first=float(same.mean()),
    )
    print(
        f"{model:24} {result.positions} positions, logits of {result.mean_size:.2f}: {largest:.2e} apart; "
        f"same first choice in {100 * result.same_first:.2f} % of {result.clear_positions} clear ones",
        flush=True,
    )
    return result


def deepseek(folder: Path, name: str, work: Path) -> list[Agreement]:
    """A checkpoint against the torch engine, and its MTP layer."""
    path = work / "out.gguf"
    convert(folder, path, weight_type="F32")
    model = load_model(read_checkpoint(folder))
    vocabulary = model.config.vocabulary_size

    def theirs(tokens: list[int]) -> Floats:
        hidden = model.hidden_states(tokens, 0, model.new_cache(LENGTH + 1))
        return np.asarray(model.logits(hidden).numpy())

    def their_drafts(tokens: list[int]) -> Floats:
        hidden = model.hidden_states(tokens, 0, model.new_cache(LENGTH + 1))
        states = model.mtp_hidden_states(0, hidden[:-1], tokens[1:], 0, model.new_mtp_cache(LENGTH + 1))
        return np.asarray(model.logits(states).numpy())

    llama = ExactLlama(path)
    found = [compare(name, llama.logits, theirs, vocabulary)]
    llama.close()
    with open_mtp(path) as mtp:

        def our_drafts(tokens: list[int]) -> Floats:
            mtp.truncate(0)
            return mtp.drafted(tokens[1:], mtp.hidden(tokens, 0)[1][:-1], 1)

        found.append(compare(f"{name}, MTP", our_drafts, their_drafts, vocabulary))
    return found


def in_other_types(folder: Path, work: Path) -> dict[str, Path]:
    """The same model in bfloat16 and in FP8."""
    source = read_checkpoint(folder)
    tensors = load_file(folder / "model.safetensors")
    arrays = {name: values.float().numpy() for name, values in tensors.items()}
    made = {"BF16": work / "bf16", "FP8": work / "fp8"}
    for kind, target in made.items():
        if kind == "FP8":
            write_in_fp8(target, source.config, arrays, (128, 128))
        else:
            target.mkdir()
            (target / "config.json").write_text(json.dumps(source.config))
            narrow = {name: values.to(torch.bfloat16) for name, values in tensors.items()}
            save_file(narrow, target / "model.safetensors")
        for file in folder.glob("*token*.json"):
            (target / file.name).write_bytes(file.read_bytes())
    return made


def of_transformers(name: str, work: Path) -> Agreement:
    """A random model of transformers."""
    options: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
    }
    if name == "Qwen3Moe":
        options |= {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128}
        options |= {"norm_topk_prob": True, "head_dim": 32}
    config = getattr(transformers, f"{name}Config")(**options)
    model = getattr(transformers, f"{name}ForCausalLM")(config).eval()
    fill(model, 1)
    folder = work / name
    model.save_pretrained(folder)
    write_small_tokenizer(folder, VOCABULARY)
    convert(folder, work / f"{name}.gguf", weight_type="F32")
    llama = ExactLlama(work / f"{name}.gguf")

    def theirs(tokens: list[int]) -> Floats:
        with torch.no_grad():
            return np.asarray(model(torch.tensor([tokens])).logits[0].numpy())

    result = compare(name, llama.logits, theirs, VOCABULARY)
    llama.close()
    return result


def main() -> None:
    """Compare every layout."""
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1])
        else:
            limits = {"n_group": 1, "topk_group": 1, "rms_norm_eps": 1e-6}
            folder = write_chat_checkpoint(work / "random", DEEPSEEK | limits)
        found = []
        for kind, other in in_other_types(folder, work).items():
            found += deepseek(other, f"DeepSeek-V3, {kind}", work)
        found += [of_transformers(family, work) for family in ("Llama", "Qwen2", "Qwen3", "Qwen3Moe")]
    print(json.dumps({"benchmark": "convert_logits", "models": [asdict(each) for each in found]}))


if __name__ == "__main__":
    main()

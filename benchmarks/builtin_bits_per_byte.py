"""Bits per byte of model files on the children's stories that the built-in model was not trained on.

Bits per byte is the cross entropy of the text in bits, shared out over its bytes: it compares models with
different tokenizers. The text is the first 300 tokens, in the vocabulary of the first MODEL, of 40 held-out
stories; a model whose context is too short for one of them reads it in windows. Beside it: how often a
model's likeliest next token is the first model's, where both have one vocabulary. Prints a table, then one
JSON line.

`python -m benchmarks.builtin_bits_per_byte --data ../shared/data MODEL.gguf ...`
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import Llama

from engine.training.data import read_corpus

HELD_OUT_TOKENS = 300


def text_beginnings(llama: Any, texts: list[str]) -> list[bytes]:
    """The first tokens of each text, as bytes again."""
    beginnings = (llama.tokenize(text.encode(), add_bos=False)[:HELD_OUT_TOKENS] for text in texts)
    return [llama.detokenize(token_ids) for token_ids in beginnings]


def bits(llama: Any, text: bytes) -> tuple[float, list[int]]:
    """The bits that the model needs for `text`, and its likeliest token at every place."""
    begin, *token_ids = llama.tokenize(text, add_bos=True)
    window = llama.n_ctx() - 1
    total, likeliest = 0.0, list[int]()
    for start in range(0, len(token_ids), window):
        part = token_ids[start : start + window]
        llama.reset()
        llama.eval([begin, *part])
        logits = np.asarray(llama.scores[: len(part)], dtype=np.float64)  # (T, V)
        logits -= logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(logits).sum(axis=1))
        total += float((log_sums - logits[np.arange(len(part)), part]).sum())
        likeliest += logits.argmax(axis=1).tolist()
    return total / math.log(2), likeliest


def agreement(first: list[int], other: list[int]) -> float:
    """The share of places where two models would say the same, 0 where they do not count the same tokens."""
    same = sum(a == b for a, b in zip(first, other, strict=False))
    return same / len(first) if len(first) == len(other) else 0.0


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of the training, which chose the stories"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()

    stories = [story.text for story in read_corpus(options.data, seed=options.seed).held_out]
    texts: list[bytes] = []
    figures: dict[str, float] = {}
    choices: dict[str, list[int]] = {}
    for path in options.models:
        llama = Llama(
            str(path),
            n_ctx=0,
            n_threads=options.threads,
            n_threads_batch=options.threads,
            logits_all=True,
            verbose=False,
        )
        texts = texts or text_beginnings(llama, stories)
        measured = [bits(llama, text) for text in texts]
        figures[str(path)] = sum(each for each, _ in measured) / sum(map(len, texts))
        choices[str(path)] = [token for _, each in measured for token in each]
        llama.close()
    first = choices[str(options.models[0])]
    agreements = {name: agreement(first, chosen) for name, chosen in choices.items()}
    for name, figure in figures.items():
        print(f"{name:48} {figure:.3f} bits per byte, top-1 agreement {agreements[name]:.3f}")
    report = {"texts": len(texts), "bytes": sum(map(len, texts)), "bits_per_byte": figures}
    print(json.dumps(report | {"top1_agreement": agreements}))


if __name__ == "__main__":
    main()

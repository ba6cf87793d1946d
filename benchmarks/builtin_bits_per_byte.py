"""Bits per byte of model files on the children's stories that the built-in model was not trained on.

Bits per byte is the cross entropy of the text in bits, shared out over its bytes: it compares models with
different tokenizers. The text is the first 300 tokens, in the vocabulary of the first MODEL, of 40 held-out
stories; a model whose context is too short for one of them reads it in windows. Prints a table, then one JSON
line.

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


def bits(llama: Any, text: bytes) -> float:
    """The bits that the model needs for `text`."""
    begin, *token_ids = llama.tokenize(text, add_bos=True)
    window = llama.n_ctx() - 1
    total = 0.0
    for start in range(0, len(token_ids), window):
        part = token_ids[start : start + window]
        llama.reset()
        llama.eval([begin, *part])
        logits = np.asarray(llama.scores[: len(part)], dtype=np.float64)  # (T, V)
        logits -= logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(logits).sum(axis=1))
        total += float((log_sums - logits[np.arange(len(part)), part]).sum())
    return total / math.log(2)


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of the training, which chose the stories"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()

    stories = [story.text for story in read_corpus(options.data, seed=options.seed).held_out]
    texts: list[bytes] = []
    figures: dict[str, float] = {}
    for path in options.models:
        llama = Llama(str(path), n_ctx=0, n_threads=options.threads, logits_all=True, verbose=False)
        texts = texts or text_beginnings(llama, stories)
        figures[path.name] = sum(bits(llama, text) for text in texts) / sum(map(len, texts))
        llama.close()
    for name, figure in figures.items():
        print(f"{name:40} {figure:.3f} bits per byte")
    print(json.dumps({"texts": len(texts), "bytes": sum(map(len, texts)), "bits_per_byte": figures}))


if __name__ == "__main__":
    main()

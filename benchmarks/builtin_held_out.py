"""What the built-in model and its MTP layer expect of held-out texts, in the torch engine.

Chats are fresh draws of the training's generators, stories are those by people that were never trained on,
cut after 300 tokens. Loss and MTP loss in nats per token of the answers; acceptance is the chance that a
draft is kept by speculative sampling (arXiv:2211.17192, theorem 3.5) at temperature 0.7, token by token.
Prints a table, then one JSON line.

`python -m benchmarks.builtin_held_out --data ../shared/data MODEL`: a GGUF file with its MTP layer.
"""

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path

from engine.backends.gguf_tokenizer import gguf_tokenizer
from engine.library.gguf import read_header
from engine.training.data import Corpus, read_corpus
from engine.training.held_out import measure_loaded
from engine.training.loss import Measured
from engine.training.mix import held_out_dialogues
from engine.training.tokenizer import encode
from engine.transformer.model import load_model

TEMPERATURE = 0.7
HELD_OUT_TOKENS = 300


def report(path: Path, corpus: Corpus, *, num_stories: int = 40) -> dict[str, Measured]:
    """The figures of a model file on the held-out stories and on what is freshly drawn."""
    header = read_header(path, whole_arrays=True)
    model, tokenizer = load_model(header), gguf_tokenizer(header)
    told = [
        tokenizer.encode(story.text, add_special_tokens=False).ids[:HELD_OUT_TOKENS]
        for story in corpus.held_out[:num_stories]
    ]
    sets = {"stories by people": encode(tokenizer, [tokenizer.decode(ids) for ids in told])}
    drawn = held_out_dialogues(corpus, random.Random("1 evaluation"))
    sets |= {name: encode(tokenizer, documents) for name, documents in drawn.items()}
    return {name: measure_loaded(model, documents) for name, documents in sets.items()}


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of the training, which chose the stories"
    )
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # layers this small are slower with two, by far where others are busy
    figures = report(options.model, read_corpus(options.data, seed=options.seed))
    for name, found in figures.items():
        kept = f"acceptance {found.acceptance:.3f}"
        print(f"{name:20} loss {found.loss:.3f}, MTP loss {found.mtp_loss:.3f}, {kept}")
    print(json.dumps({"temperature": TEMPERATURE} | {name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    main()

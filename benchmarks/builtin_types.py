"""What the built-in model loses in each of llama.cpp's quantization types, on documents that it never saw.

`python -m benchmarks.builtin_types --data ../shared/data --out DIR F32.gguf [KIND ...] [--importance]`: the
files stay in DIR. A KIND is a type, a recipe's file, or a number of bytes such as 5000000, for which the
types that do least damage within it are found by measuring on 16 chunks of stories that were trained on. With
`--importance` every kind is made with an importance matrix of an epoch of the training data.

The documents are the first 300 tokens of the 40 held-out stories, and fresh draws of chats, stories and sums
with their turn tokens; only answers and plain text count. KL divergence from F32 in nats per token, and how
often the likeliest next token is F32's, with its standard error from document to document. Prints a table,
then one JSON line.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import Llama
from numpy.typing import NDArray

from engine.backends.gguf_tokenizer import gguf_tokenizer
from engine.library.gguf import read_header
from engine.quantization.importance import make_importance_matrix
from engine.quantization.importance_matrix import ImportanceMatrix
from engine.quantization.quality import ReferenceScores
from engine.quantization.quantize import quantize
from engine.quantization.recipe import read_recipe
from engine.quantization.scoring import ScoringModel
from engine.quantization.sensitivity import Sensitivities, measure_sensitivities
from engine.training.data import Corpus, read_corpus
from engine.training.mix import Mix, draw_epoch, held_out_dialogues
from engine.training.tokenizer import Encoded, encode, texts_of

HELD_OUT_TOKENS = 300
CONTEXT = 2048
TYPES = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M")
IMPORTANCE_CHUNKS, RECIPE_CHUNKS, CHUNK = 64, 16, 512
IMPORTANCE_LENGTH, RECIPE_LENGTH = 140_000, 60_000  # characters, some more than the chunks take
CANDIDATES = (
    "Q6_K",
    "Q5_K",
    "Q4_K",
    "IQ4_XS",
    "Q3_K",
)  # that the torch engine reads


def held_out(model: Path, corpus: Corpus) -> dict[str, list[Encoded]]:
    """The documents by kind, as token ids of the model's vocabulary."""
    tokenizer = gguf_tokenizer(read_header(model, whole_arrays=True))
    told = [tokenizer.encode(story.text, add_special_tokens=False).ids for story in corpus.held_out]
    documents = {"people": encode(tokenizer, [tokenizer.decode(ids[:HELD_OUT_TOKENS]) for ids in told])}
    drawn = held_out_dialogues(corpus, random.Random("1 evaluation"))
    return documents | {name: encode(tokenizer, dialogues) for name, dialogues in drawn.items()}


def log_probabilities(model: Path, documents: list[Encoded]) -> Iterator[NDArray[np.float32]]:
    """Of every document's tokens that count, (N, V) each."""
    llama: Any = Llama(
        str(model), n_ctx=CONTEXT, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
    )
    for document in documents:
        llama.reset()
        llama.eval(document.token_ids[:-1])
        logits = np.asarray(llama.scores[: len(document.token_ids) - 1], dtype=np.float64)
        logits = logits[np.asarray(document.weights[1:]) == 1]
        logits -= logits.max(axis=1, keepdims=True)
        yield (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)
    llama.close()


def compared(reference: list[NDArray[np.float32]], model: Path, documents: list[Encoded]) -> dict[str, float]:
    """The KL divergence from the reference and the agreement with it, means over all tokens."""
    divergence, rows = 0.0, []
    for wanted, given in zip(reference, log_probabilities(model, documents), strict=True):
        divergence += float((np.exp(wanted) * (wanted - given)).sum())
        rows.append((int((wanted.argmax(1) == given.argmax(1)).sum()), len(wanted)))
    same, counts = np.array(rows).T
    agreement = same.sum() / counts.sum()
    spread = np.sqrt(((same - agreement * counts) ** 2).sum() * len(rows) / (len(rows) - 1)) / counts.sum()
    return {
        "kl_divergence": divergence / int(counts.sum()),
        "top1_agreement": float(agreement),
        "top1_error": float(spread),  # of a ratio of sums over documents
    }


def epoch_text(corpus: Corpus) -> str:
    """Documents of an epoch of training, one after another."""
    rng = random.Random("importance")
    documents = list(texts_of(draw_epoch(corpus, rng, Mix())))
    rng.shuffle(documents)
    return "\n\n".join(documents)[:IMPORTANCE_LENGTH]


def story_text(corpus: Corpus) -> str:
    """Stories by people that were trained on."""
    stories = [story.text for story in corpus.stories]
    random.Random("recipe").shuffle(stories)
    return "\n\n".join(stories)[:RECIPE_LENGTH]


def damages(model: Path, corpus: Corpus, folder: Path, importance: ImportanceMatrix | None) -> Sensitivities:
    """What each candidate does to each part of the model."""
    with ScoringModel(model, chunk_length=CHUNK) as scoring:
        scores = ReferenceScores(scoring, story_text(corpus), folder / "scores", max_chunks=RECIPE_CHUNKS)
    return measure_sensitivities(
        model, scores, folder, importance=importance, candidates=CANDIDATES, num_bands=1, threads=1
    )


def line(name: str, size_bytes: int, found: dict[str, dict[str, float]]) -> str:
    """A row of the table."""
    parts = (
        f"{kind} {each['kl_divergence']:.4f} "
        f"{100 * each['top1_agreement']:.2f} ± {100 * each['top1_error']:.2f} %"
        for kind, each in found.items()
    )
    return f"{name:8} {size_bytes:10,} bytes: {', '.join(parts)}"


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--importance", action="store_true")
    parser.add_argument("model", type=Path)
    parser.add_argument("kinds", nargs="*", default=TYPES)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    corpus, importance, sensitivities = read_corpus(options.data, seed=1), None, None
    if options.importance:
        importance = make_importance_matrix(
            options.model, epoch_text(corpus), dataset="an epoch", max_chunks=IMPORTANCE_CHUNKS
        )
        importance.write(options.out / "importance.gguf")
    if any(kind.isdigit() for kind in options.kinds):
        sensitivities = damages(options.model, corpus, options.out, importance)
    sets = held_out(options.model, corpus)
    reference = {name: list(log_probabilities(options.model, each)) for name, each in sets.items()}
    figures: dict[str, dict[str, Any]] = {}
    for kind in options.kinds:
        if sensitivities is not None and kind.isdigit():
            recipe = sensitivities.recipe_for(int(kind))
        else:
            recipe = read_recipe(kind)
        (options.out / f"{Path(kind).stem}.json").write_text(recipe.to_json(), encoding="utf-8")
        file = options.out / f"{Path(kind).stem}.gguf"
        file.unlink(missing_ok=True)
        quantize(options.model, file, recipe, importance=importance, threads=1)
        found = {name: compared(reference[name], file, each) for name, each in sets.items()}
        figures[kind] = {"bytes": file.stat().st_size} | found
        print(line(Path(kind).stem, file.stat().st_size, found), flush=True)
    print(json.dumps({"model": str(options.model), "importance": options.importance, "kinds": figures}))


if __name__ == "__main__":
    main()

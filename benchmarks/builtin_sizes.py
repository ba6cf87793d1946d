"""What a model of another size learns in the same processor time, alone or from a teacher.

`python -m benchmarks.builtin_sizes --data ../shared/data --out DIR --cpu-minutes 15 SIZE ...`: every SIZE is
trained from nothing with the recipe, the vocabulary and the rates of the built-in model, on one thread,
until the process has used so many minutes of a processor, whoever else is busy on the machine. "distilled" is
"small" with `--teacher DIR`, the folder `model` of an earlier run; its teacher's time counts. Judged by
held-out losses and drafts and, as a Q8_0 file in llama.cpp, by the rubric. DIR/SIZE/log.jsonl has the losses
on the way. Prints a table, then one JSON line.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from tokenizers import Tokenizer

from engine.quantization.convert import convert
from engine.training.data import Corpus, read_corpus
from engine.training.params import TrainingParams, builtin_config
from engine.training.rubric import FIXED, draw, judge
from engine.training.run import Training
from engine.training.save import load_trained, save_model
from engine.training.teacher import Teacher, student_config
from engine.transformer.config import ModelConfig
from tests.support.rubric_answers import open_answerer

SEED = 1
RUBRIC_SEEDS = (1, 2, 3)
TEMPERATURE = 0.7
EVALUATE_EVERY_S = 300.0
JUDGED_BY = ("bits_per_byte", "stories", "chats", "sums", "held_out_acceptance", "chats_acceptance")


def config_of(size: str) -> ModelConfig:
    """The shapes that are compared: half the layers and experts, one between, the shipped, a larger."""
    shipped = builtin_config()
    if size in ("small", "distilled"):
        return student_config(shipped, num_layers=3, num_experts=4)
    if size == "middle":
        return student_config(shipped, num_layers=4, num_experts=8)
    if size == "shipped":
        return shipped
    assert size == "large" and shipped.moe is not None
    moe = replace(shipped.moe, num_experts=16)
    return replace(shipped, num_layers=9, moe_layers=(False, *[True] * 8), moe=moe)


def judged(path: Path) -> dict[str, list[int]]:
    """How many prompts of the rubric a model file passes, for each seed."""
    passed: dict[str, list[int]] = {"fixed": [], "drawn": []}
    with open_answerer(path, temperature=TEMPERATURE) as answerer:
        for seed in RUBRIC_SEEDS:
            for name, prompts in (("fixed", FIXED), ("drawn", draw(seed))):
                passed[name].append(sum(good for good, _ in judge(prompts, answerer, seed=seed)))
    return passed


def tried(size: str, corpus: Corpus, tokenizer: Tokenizer, options: argparse.Namespace) -> dict[str, object]:
    """One size, trained and judged."""
    import torch._dynamo.config

    torch._dynamo.config.recompile_limit = 64  # every layer, once for each length of rows
    out: Path = options.out / size
    out.mkdir(parents=True, exist_ok=True)
    teacher = Teacher(load_trained(options.teacher)) if size == "distilled" else None
    params = TrainingParams(model=config_of(size))
    training = Training(corpus, tokenizer, params, out=out, seed=SEED, teacher=teacher)
    budget_s = options.cpu_minutes * 60
    training.run(budget_s=budget_s, max_threads=1, evaluate_every_s=EVALUATE_EVERY_S, clock=time.process_time)
    measured = training.evaluate()
    save_model(training.model, tokenizer, out)
    convert(out, out / "Q8_0.gguf", weight_type="Q8_0")
    return {
        "parameters": sum(each.numel() for each in training.model.parameters()),
        "tokens": training.tokens_seen,
        **{name: measured[name] for name in JUDGED_BY},
        **judged(out / "Q8_0.gguf"),
    }


def main() -> None:
    """Compare from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True, help="tokenizer.json of an earlier run")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cpu-minutes", type=float, default=15.0)
    parser.add_argument("--teacher", type=Path, help="the folder `model` of an earlier run")
    parser.add_argument("sizes", nargs="+", choices=("small", "middle", "shipped", "large", "distilled"))
    options = parser.parse_args()
    corpus, tokenizer = read_corpus(options.data, seed=SEED), Tokenizer.from_file(str(options.vocabulary))
    figures = {size: tried(size, corpus, tokenizer, options) for size in options.sizes}
    for size, found in figures.items():
        print(f"{size:10}", ", ".join(f"{name} {value}" for name, value in found.items()))
    print(json.dumps({"cpu_minutes": options.cpu_minutes, "sizes": figures}))


if __name__ == "__main__":
    main()

"""Trains the built-in model until a time of day or for some minutes, and goes on from its checkpoint.

`python -m engine.training.train --data ../shared/data --minutes 90 --out DIR --seed N` leaves in DIR a
checkpoint from which the same command goes on, the losses as log.jsonl and loss.svg, the weights of now and
then (`average`), and their mean as a folder of safetensors, of which
`python -m engine.quantization.convert DIR/model OUT.gguf` makes a GGUF file.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shutil
import signal
from pathlib import Path

import torch
import torch._dynamo.config
import torch._inductor.config
from tokenizers import Tokenizer

from engine.training.data import Corpus, read_corpus
from engine.training.mix import Mix, draw_epoch
from engine.training.params import TrainingParams, builtin_config
from engine.training.run import CHECKPOINT, Training
from engine.training.save import load_trained, save_model
from engine.training.teacher import Teacher, student_config
from engine.training.tokenizer import texts_of, train_tokenizer
from engine.transformer.config import ModelConfig

VOCABULARY = "tokenizer.json"


def train_vocabulary(corpus: Corpus, *, seed: int, size: int) -> Tokenizer:
    """The tokenizer over one epoch of the mix."""
    drawn = draw_epoch(corpus, random.Random(f"{seed} vocabulary"), Mix())
    return train_tokenizer(texts_of(drawn), vocabulary_size=size)


def vocabulary_of(
    out: Path, teacher: Path | None, corpus: Corpus, *, seed: int, config: ModelConfig
) -> Tokenizer:
    """The tokenizer of the run in `out`: of its earlier part, of its teacher, or a new one."""
    for folder in (out, teacher):
        if folder is not None and (folder / VOCABULARY).exists():
            tokenizer = Tokenizer.from_file(str(folder / VOCABULARY))
            break
    else:
        tokenizer = train_vocabulary(corpus, seed=seed, size=config.vocabulary_size)
    tokenizer.save(str(out / VOCABULARY))
    return tokenizer


def seconds_until(time_of_day: str, now: datetime.datetime) -> float:
    """The seconds from `now` to the next `time_of_day`, which is HH:MM."""
    hour, minute = (int(part) for part in time_of_day.split(":"))
    until = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return ((until - now) % datetime.timedelta(days=1)).total_seconds()


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with text/ and chat/")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="at most; fewer where others need them")
    parser.add_argument("--teacher", type=Path, help="a model folder of an earlier run, to be distilled")
    parser.add_argument("--layers", type=int, default=3, help="of the student, with --teacher")
    parser.add_argument("--experts", type=int, default=4, help="of the student, with --teacher")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="of training, those before a restart among them")
    length.add_argument("--until", metavar="HH:MM", help="when to be ready; the rates fall in time for it")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Train from the command line."""
    options = build_parser().parse_args(arguments)
    torch._inductor.config.cpp.dynamic_threads = True  # compiled pieces obey set_num_threads, too
    torch._dynamo.config.recompile_limit = 64  # every layer, once for each length of rows
    options.out.mkdir(parents=True, exist_ok=True)
    has_compiler = shutil.which(os.environ.get("CXX", "c++")) is not None  # torch.compile writes C++
    config, teacher = builtin_config(), None
    if options.teacher is not None:
        teacher = Teacher(load_trained(options.teacher))
        config = student_config(teacher.model.config, num_layers=options.layers, num_experts=options.experts)
    params = TrainingParams(model=config, compiled=has_compiler)
    corpus = read_corpus(options.data, seed=options.seed)
    tokenizer = vocabulary_of(options.out, options.teacher, corpus, seed=options.seed, config=config)
    training = Training(corpus, tokenizer, params, out=options.out, seed=options.seed, teacher=teacher)
    checkpoint = options.out / CHECKPOINT
    if checkpoint.exists():
        training.restore(torch.load(checkpoint, weights_only=True))
    if options.until is None:
        budget_s = options.minutes * 60
    else:
        budget_s = training.elapsed_s + seconds_until(options.until, datetime.datetime.now().astimezone())
    signal.signal(signal.SIGTERM, lambda *_: setattr(training, "is_stopping", True))
    training.run(budget_s=budget_s, max_threads=options.threads)
    if not training.is_stopping:
        training.average_kept()
    save_model(training.model, tokenizer, options.out / "model")


if __name__ == "__main__":
    main()

"""The training loop of the built-in model, within a budget of wall time.

`python -m engine.training.train --data ../shared/data --minutes 24 --out DIR --seed N` leaves a Hugging Face
folder in DIR, the losses in DIR/log.jsonl, and a checkpoint from which the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from engine.training import data
from engine.training.dialogues import story_exchange, written_exchange
from engine.training.packing import Rows, pack
from engine.training.tokenizer import (
    BEGIN,
    CHAT_TEMPLATE,
    END,
    PAD,
    SPECIAL_TOKENS,
    Encoded,
    encode,
    texts_of,
    train_tokenizer,
)

HELD_OUT_TOKENS = 300  # of each held-out story


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParams:
    """The shape of the model and how it is trained."""

    vocabulary_size: int = 2048
    hidden_size: int = 256
    num_layers: int = 6
    num_heads: int = 8
    num_kv_heads: int = 4
    feed_forward_size: int = 768
    row_length: int = 256
    long_row_length: int = 1024  # the rows of the last part, and the context length of the model
    long_from: float = 0.72  # the share of the time after which rows are long
    batch_tokens: int = 2048
    matrix_lr: float = 0.02  # Muon, for the matrices of the layers
    other_lr: float = 3e-3  # AdamW, for the embedding and the norms
    weight_decay: float = 0.1
    decay_from: float = 0.35  # the share of the time after which the rate falls
    final_lr_share: float = 0.03
    warmup_steps: int = 60
    compiled: bool = True


def build_model(params: TrainingParams) -> Any:
    """A new model with random weights."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=params.vocabulary_size,
            hidden_size=params.hidden_size,
            intermediate_size=params.feed_forward_size,
            num_hidden_layers=params.num_layers,
            num_attention_heads=params.num_heads,
            num_key_value_heads=params.num_kv_heads,
            max_position_embeddings=params.long_row_length,
            rope_theta=10000.0,
            tie_word_embeddings=True,
            bos_token_id=BEGIN,
            eos_token_id=END,
            pad_token_id=PAD,
        )
    )


def build_optimizers(model: Any, params: TrainingParams) -> list[Any]:
    """Muon for the matrices of the layers, AdamW for all else; each group remembers its full rate."""
    named = list(model.named_parameters())
    matrices = [parameter for name, parameter in named if parameter.ndim == 2 and "embed" not in name]
    embeddings = [parameter for name, parameter in named if parameter.ndim == 2 and "embed" in name]
    norms = [parameter for _, parameter in named if parameter.ndim < 2]
    groups = [{"params": embeddings}, {"params": norms, "weight_decay": 0.0}]
    optimizers = [
        torch.optim.Muon(matrices, lr=params.matrix_lr, weight_decay=params.weight_decay),
        torch.optim.AdamW(
            groups, lr=params.other_lr, weight_decay=params.weight_decay, betas=(0.9, 0.95), fused=True
        ),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers


def lr_share(progress: float, step: int, params: TrainingParams) -> float:
    """The share of the full learning rate: a warm-up by steps, flat, then a cosine by time."""
    falling = min(1.0, max(0.0, (progress - params.decay_from) / (1 - params.decay_from)))
    cosine = params.final_lr_share + (1 - params.final_lr_share) * (1 + math.cos(math.pi * falling)) / 2
    return cosine * min(1.0, (step + 1) / params.warmup_steps)


def weighted_loss(model: Any, inputs: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
    """The summed weighted cross entropy in nats, and the sum of the weights; all inputs (B, T)."""
    # bf16 with fp32 weights: 2.4 times the tokens per second on a processor with AVX512-BF16
    with torch.autocast("cpu", torch.bfloat16, enabled=model.training):
        hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state  # (B, T, hidden)
        logits = model.lm_head(hidden)  # (B, T, V)
    losses = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
    return (losses * weights.flatten()).sum(), weights.sum()


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def evaluate(model: Any, documents: list[Encoded]) -> float:
    """The mean loss in nats per weighted token, each document on its own."""
    model.eval()
    total, weight = 0.0, 0.0
    with torch.compiler.set_stance("force_eager"):
        for start in range(0, len(documents), 16):
            group = documents[start : start + 16]
            length = max(len(document.token_ids) for document in group)
            ids = torch.full((len(group), length), PAD)
            weights = torch.zeros((len(group), length))
            for row, document in enumerate(group):
                ids[row, : len(document.token_ids)] = torch.tensor(document.token_ids)
                weights[row, : len(document.weights)] = torch.tensor(document.weights)
            losses, counted = weighted_loss(model, ids[:, :-1], ids[:, 1:], weights[:, 1:])
            total, weight = total + losses.item(), weight + counted.item()
    model.train()
    return total / weight


def held_out_texts(corpus: data.Corpus, tokenizer: Tokenizer) -> list[str]:
    """The beginnings of the held-out stories, as text."""
    beginnings = (tokenizer.encode(story.text).ids[:HELD_OUT_TOKENS] for story in corpus.held_out)
    return [tokenizer.decode(ids) for ids in beginnings]


class Training:
    """One run: the model, its optimizers, and how far it has come."""

    def __init__(
        self, corpus: data.Corpus, tokenizer: Tokenizer, params: TrainingParams, *, out: Path, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.corpus, self.tokenizer, self.params, self.out, self.seed = corpus, tokenizer, params, out, seed
        self.model = build_model(params)
        self.optimizers = build_optimizers(self.model, params)
        self.step, self.epoch, self.batch, self.tokens_seen = 0, 0, 0, 0
        self.elapsed_s = 0.0
        if params.compiled:
            for layer in self.model.model.layers:
                layer.compile(dynamic=False)

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        counters = {
            name: getattr(self, name) for name in ("step", "epoch", "batch", "tokens_seen", "elapsed_s")
        }
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"model": self.model.state_dict(), "optimizers": optimizers, "counters": counters}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from an earlier `state`."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name, value in state["counters"].items():
            setattr(self, name, value)

    def rows(self, row_length: int) -> Rows:
        """The rows of the current epoch, always the same for a seed and an epoch."""
        rng = random.Random(f"{self.seed} {self.epoch}")
        return pack(encode(self.tokenizer, data.draw_epoch(self.corpus, rng, data.Mix())), row_length)

    def train(self, rows: Rows, first: int, share: float) -> float:
        """One step on the rows from `first` on; the loss in nats per weighted token."""
        count = max(1, self.params.batch_tokens // rows.inputs.shape[1])
        chosen = slice(first, first + count)
        batch = (torch.from_numpy(part[chosen]) for part in (rows.inputs, rows.targets, rows.weights))
        losses, weight = weighted_loss(self.model, *batch)
        loss = losses / weight
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens_seen += rows.inputs[chosen].size
        return float(loss.item())

    def run(self, *, budget_s: float, started: float, evaluate_every_s: float = 120.0) -> None:
        """Train until `budget_s` seconds since `started`, on the clock `time.monotonic`, are over."""
        params = self.params
        earlier_s = self.elapsed_s
        evaluation = self._evaluation_sets()
        next_evaluation_s = earlier_s + evaluate_every_s
        next_line_s, losses = 0.0, list[float]()
        for rows, first in self._batches(budget_s):
            self.elapsed_s = earlier_s + time.monotonic() - started
            progress = self.elapsed_s / budget_s
            losses.append(self.train(rows, first, lr_share(progress, self.step, params)))
            if self.elapsed_s >= next_line_s:
                self._log({"loss": round(sum(losses) / len(losses), 4), "row_length": rows.inputs.shape[1]})
                next_line_s, losses = self.elapsed_s + 10, []
            if self.elapsed_s >= next_evaluation_s:
                self._log(self._evaluate(*evaluation))
                self.save_checkpoint()
                next_evaluation_s = self.elapsed_s + evaluate_every_s
        self._log({**self._evaluate(*evaluation), "final": True})

    def _batches(self, budget_s: float) -> Iterator[tuple[Rows, int]]:
        """Rows and where the next batch begins, until the time is over; a new epoch when rows get longer."""
        while self.elapsed_s < budget_s:
            is_long = self.elapsed_s >= budget_s * self.params.long_from
            length = self.params.long_row_length if is_long else self.params.row_length
            rows = self.rows(length)
            count = max(1, self.params.batch_tokens // length)
            while (self.batch + 1) * count <= len(rows) and self.elapsed_s < budget_s:
                if not is_long and self.elapsed_s >= budget_s * self.params.long_from:
                    break
                yield rows, self.batch * count
                self.batch += 1
            self.epoch, self.batch = self.epoch + 1, 0

    def _evaluation_sets(self) -> tuple[list[Encoded], int, list[Encoded], list[Encoded]]:
        rng = random.Random(f"{self.seed} evaluation")
        texts = held_out_texts(self.corpus, self.tokenizer)
        held_out = [
            Encoded(each.token_ids[:-1], each.weights[:-1]) for each in encode(self.tokenizer, list(texts))
        ]
        stories = encode(self.tokenizer, [story_exchange(rng) for _ in range(40)])
        written = encode(self.tokenizer, [written_exchange(rng) for _ in range(100)])
        return held_out, sum(len(text.encode()) for text in texts), stories, written

    def _evaluate(
        self, held_out: list[Encoded], num_bytes: int, stories: list[Encoded], written: list[Encoded]
    ) -> dict[str, float]:
        held_out_loss = evaluate(self.model, held_out)
        num_tokens = sum(sum(document.weights) for document in held_out)
        return {
            "held_out": round(held_out_loss, 4),
            "bits_per_byte": round(held_out_loss * num_tokens / math.log(2) / num_bytes, 4),
            "generated": round(evaluate(self.model, stories), 4),
            "written": round(evaluate(self.model, written), 4),
        }

    def _log(self, record: dict[str, Any]) -> None:
        counted = {
            "elapsed_s": round(self.elapsed_s, 1),
            "step": self.step,
            "epoch": self.epoch,
            "tokens": self.tokens_seen,
        }
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(counted | record) + "\n")
        print(
            " ".join(f"{name}={value}" for name, value in (counted | record).items()),
            file=sys.stderr,
            flush=True,
        )

    def save_checkpoint(self) -> None:
        """Write the checkpoint whole or not at all."""
        part = self.out / "checkpoint.part"
        torch.save(self.state(), part)
        part.replace(self.out / "checkpoint.pt")

    def save_model(self) -> None:
        """Write the Hugging Face folder: the model, the tokenizer and its chat template."""
        self.model.save_pretrained(self.out)
        wrapped = PreTrainedTokenizerFast(
            tokenizer_object=self.tokenizer,
            chat_template=CHAT_TEMPLATE,
            bos_token=SPECIAL_TOKENS[BEGIN],
            eos_token=SPECIAL_TOKENS[END],
            pad_token=SPECIAL_TOKENS[PAD],
        )
        wrapped.save_pretrained(self.out)


def train_vocabulary(corpus: data.Corpus, *, seed: int, size: int) -> Tokenizer:
    """The tokenizer over one epoch of the mix."""
    drawn = data.draw_epoch(corpus, random.Random(f"{seed} vocabulary"), data.Mix())
    return train_tokenizer(texts_of(drawn), vocabulary_size=size)


def main(arguments: list[str] | None = None) -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with text/ and chat/")
    parser.add_argument("--minutes", type=float, default=24.0, help="wall time for everything")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=TrainingParams().batch_tokens)
    parser.add_argument("--matrix-lr", type=float, default=TrainingParams().matrix_lr)
    options = parser.parse_args(arguments)

    started = time.monotonic()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    params = TrainingParams(batch_tokens=options.batch_tokens, matrix_lr=options.matrix_lr)
    corpus = data.read_corpus(options.data, seed=options.seed)
    checkpoint, vocabulary = options.out / "checkpoint.pt", options.out / "tokenizer.json"
    if checkpoint.exists():
        tokenizer = Tokenizer.from_file(str(vocabulary))
    else:
        tokenizer = train_vocabulary(corpus, seed=options.seed, size=params.vocabulary_size)
        tokenizer.save(str(vocabulary))
    training = Training(corpus, tokenizer, params, out=options.out, seed=options.seed)
    if checkpoint.exists():
        training.restore(torch.load(checkpoint, weights_only=True))
    training.run(budget_s=options.minutes * 60, started=started)
    training.save_checkpoint()
    training.save_model()


if __name__ == "__main__":
    main()

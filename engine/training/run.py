"""One training run: the model, its optimizers, how far it has come, and how it goes on after a stop."""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from engine.training import loss_curve
from engine.training.average import averaged, read_weights
from engine.training.data import Corpus
from engine.training.loss import joint_loss, measure, token_losses
from engine.training.mix import Mix, draw_epoch, held_out_dialogues
from engine.training.model import TrainedModel
from engine.training.muon import Muon
from engine.training.packing import Rows, pack
from engine.training.params import TrainingParams, lr_share
from engine.training.teacher import Teacher
from engine.training.threads import ThreadChooser
from engine.training.tokenizer import Encoded, encode

HELD_OUT_TOKENS = 300  # of each held-out story
CHECKPOINT = "checkpoint.pt"
KEPT = "weights_{step}.pt"


def build_optimizers(model: TrainedModel, params: TrainingParams) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for all else; each group remembers its full rate."""
    matrices: list[Any] = []
    norms: list[Any] = []
    others: list[Any] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim > 1
        if is_matrix and "embed" not in name and "router" not in name:
            matrices.append(parameter)
        else:
            (others if is_matrix else norms).append(parameter)
    groups = [{"params": others}, {"params": norms, "weight_decay": 0.0}]
    optimizers = [
        Muon(matrices, lr=params.matrix_lr, weight_decay=params.weight_decay),
        torch.optim.AdamW(
            groups, lr=params.other_lr, weight_decay=params.weight_decay, betas=(0.9, 0.95), fused=True
        ),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers


class Training:
    """A run in the folder `out`. What the seed decides: the weights, the data's order, what is held out."""

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Tokenizer,
        params: TrainingParams,
        *,
        out: Path,
        seed: int,
        teacher: Teacher | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.corpus, self.tokenizer, self.params, self.out, self.seed = corpus, tokenizer, params, out, seed
        self.model = TrainedModel(params.model)
        self.optimizers = build_optimizers(self.model, params)
        self.teacher = teacher
        self.losses_of: Any = token_losses
        if params.compiled:
            self.losses_of = torch.compile(token_losses)
            for layer in self.model.layers:
                layer.dense_part = torch.compile(layer.dense_part)
        self.is_stopping = False  # set from outside: the run ends after its step, with a checkpoint
        self.step = self.epoch = self.batch = self.tokens_seen = 0
        self.elapsed_s = 0.0

    def state(self) -> dict[str, Any]:
        """Everything from which the run can go on."""
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

    def save_checkpoint(self) -> None:
        """Write the checkpoint whole or not at all."""
        part = self.out / f"{CHECKPOINT}.part"
        torch.save(self.state(), part)
        part.replace(self.out / CHECKPOINT)

    def keep_weights(self, budget_s: float) -> None:
        """While the rates fall, the weights of now and then are kept, to be averaged."""
        if self.elapsed_s > self.params.decay_from * budget_s:
            torch.save(self.model.state_dict(), self.out / KEPT.format(step=self.step))

    def average_kept(self) -> None:
        """Give the model the mean of the weights that were kept, where any were."""
        if kept := sorted(self.out.glob(KEPT.format(step="*"))):
            self.model.load_state_dict(averaged((read_weights(path), 1.0) for path in kept))

    def rows(self, row_length: int) -> Rows:
        """The rows of the current epoch, always the same for a seed and an epoch."""
        rng = random.Random(f"{self.seed} {self.epoch}")
        return pack(encode(self.tokenizer, draw_epoch(self.corpus, rng, Mix())), row_length)

    def train(self, rows: Rows, first: int, share: float) -> tuple[float, float]:
        """One step on the rows from `first` on; the losses of the next token and of the one after it."""
        count = max(1, self.params.batch_tokens // rows.inputs.shape[1])
        chosen = slice(first, first + count)
        batch = [torch.from_numpy(part[chosen]) for part in (rows.inputs, rows.targets, rows.weights)]
        if self.teacher is None:
            loss, mtp_loss = joint_loss(self.model, *batch, losses_of=self.losses_of)
        else:
            loss, mtp_loss = self.teacher.joint_loss(self.model, *batch)
        (loss + self.params.mtp_weight * mtp_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        for mixture in self.model.mixtures():
            mixture.balance(self.params.balance_rate)
        self.step += 1
        self.tokens_seen += rows.inputs[chosen].size
        return loss.item(), mtp_loss.item()

    def run(
        self,
        *,
        budget_s: float,
        max_threads: int,
        evaluate_every_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Train until `budget_s` seconds of the clock, those before a restart among them, are over."""
        earlier_s, started = self.elapsed_s, clock()
        evaluation = self._evaluation_sets()
        threads = ThreadChooser(max_threads, use=torch.set_num_threads)
        next_evaluation_s = earlier_s + evaluate_every_s
        next_line_s, losses = 0.0, list[tuple[float, float]]()
        for rows, first in self._batches(budget_s):
            self.elapsed_s = earlier_s + clock() - started
            threads.before_step()
            share = lr_share(self.elapsed_s / budget_s, self.step, self.params)
            losses.append(self.train(rows, first, share))
            if self.elapsed_s >= next_line_s:
                loss, mtp_loss = (sum(each) / len(losses) for each in zip(*losses, strict=True))
                record = {"loss": round(loss, 4), "mtp_loss": round(mtp_loss, 4)}
                self._log({**record, "lr_share": round(share, 3), "threads": threads.chosen})
                next_line_s, losses = self.elapsed_s + 10, []
            if self.elapsed_s >= next_evaluation_s:
                self.save_checkpoint()
                self.keep_weights(budget_s)
                self._log(self.evaluate(evaluation))
                loss_curve.update(self.out)
                threads.pause()
                next_evaluation_s = earlier_s + clock() - started + evaluate_every_s
        self.save_checkpoint()
        if not self.is_stopping:
            self.keep_weights(budget_s)
            self._log({**self.evaluate(evaluation), "final": True})
            loss_curve.update(self.out)

    def _batches(self, budget_s: float) -> Iterator[tuple[Rows, int]]:
        """Rows and where the next batch begins, until the time is over; a new epoch when rows get longer."""
        while self.elapsed_s < budget_s:
            is_long = self.elapsed_s >= budget_s * self.params.long_from
            length = self.params.long_row_length if is_long else self.params.row_length
            rows = self.rows(length)
            count = max(1, self.params.batch_tokens // length)
            while (self.batch + 1) * count <= len(rows) and self.elapsed_s < budget_s:
                if self.is_stopping:
                    return
                if not is_long and self.elapsed_s >= budget_s * self.params.long_from:
                    break
                yield rows, self.batch * count
                self.batch += 1
            self.epoch, self.batch = self.epoch + 1, 0

    def _evaluation_sets(self) -> tuple[int, dict[str, list[Encoded]]]:
        rng = random.Random(f"{self.seed} evaluation")
        beginnings = [
            self.tokenizer.encode(story.text).ids[:HELD_OUT_TOKENS] for story in self.corpus.held_out
        ]
        texts = [self.tokenizer.decode(ids) for ids in beginnings]
        stories = encode(self.tokenizer, texts)
        sets = {"held_out": [Encoded(each.token_ids[:-1], each.weights[:-1]) for each in stories]}
        sets |= {
            name: encode(self.tokenizer, documents)
            for name, documents in held_out_dialogues(self.corpus, rng).items()
        }
        return sum(len(text.encode()) for text in texts), sets

    def evaluate(self, evaluation: tuple[int, dict[str, list[Encoded]]] | None = None) -> dict[str, float]:
        """Losses in nats per token, acceptance at temperature 0.7 and bits per byte on what is held out."""
        num_bytes, sets = evaluation or self._evaluation_sets()
        record: dict[str, float] = {}
        for name, documents in sets.items():
            measured = measure(self.model, documents)
            record |= {
                name: round(measured.loss, 4),
                f"{name}_mtp": round(measured.mtp_loss, 4),
                f"{name}_acceptance": round(measured.acceptance, 4),
            }
        num_tokens = sum(sum(document.weights) for document in sets["held_out"])
        record["bits_per_byte"] = round(record["held_out"] * num_tokens / math.log(2) / num_bytes, 4)
        return record

    def _log(self, record: dict[str, Any]) -> None:
        counted = {
            "elapsed_s": round(self.elapsed_s, 1),
            "step": self.step,
            "epoch": self.epoch,
            "tokens": self.tokens_seen,
        }
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(counted | record) + "\n")
        line = " ".join(f"{name}={value}" for name, value in (counted | record).items())
        print(line, file=sys.stderr, flush=True)

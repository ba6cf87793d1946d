"""What weights in fewer bits cost: a model on the torch engine in float32, in 8 and in 4 bits, on one text.

Every file reads the same tokens with the same context; perplexity is e to the mean cross entropy of the next
token, KL the mean divergence of the next token's distribution from float32's in nats, top-1 how often the
likeliest token is float32's. Logits of float32 are kept as float16, so KL is good to about 1e-4. Prints a
table, then one JSON line.

    python -m benchmarks.torch_quality --text FILE [--model FILE_OR_FOLDER] [--tokens 8192] [--context 512]
        [--types int8 int4] [--threads 2]
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.choose import load_backend
from engine.contract.params import LoadParams, WeightType
from engine.contract.paths import builtin_model
from engine.generation.backend import Backend, Entry, Floats

EXACT: WeightType = "f32"
TOO_FEW = 64  # tokens


@dataclass(frozen=True, slots=True)
class Quality:
    """How well weights of one type predict a text, and how near to float32."""

    weight_type: str
    perplexity: float
    kl_nats: float  # 0 for float32
    kl_99th_nats: float  # 99 of 100 places are nearer than this
    top1_agreement: float

    @property
    def line(self) -> str:
        """A row of the table."""
        return (
            f"{self.weight_type:8}{self.perplexity:12.4f}{self.kl_nats:12.5f}{self.kl_99th_nats:12.5f}"
            f"{self.top1_agreement:10.4f}"
        )


def log_softmax(logits: Floats) -> Floats:
    """(T, V) to (T, V), natural logarithms."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


def window_logits(backend: Backend, token_ids: list[int]) -> Floats:
    """Logits (T - 1, V) for all but the first of T tokens, read from an empty KV cache."""
    backend.truncate(0, 0)
    rows: list[Floats] = []
    inputs = token_ids[:-1]
    for start in range(0, len(inputs), backend.batch_size):
        part = inputs[start : start + backend.batch_size]
        first = backend.decode([Entry(0, start, part, num_logits=len(part))], lambda: False)[0]
        rows += [backend.logits(first + row).copy() for row in range(len(part))]
    return np.stack(rows)


class Reading:
    """One type's figures, added up window by window."""

    def __init__(self, weight_type: str) -> None:
        self._weight_type = weight_type
        self._losses: list[Floats] = []
        self._divergences: list[Floats] = []
        self._agreements: list[Any] = []

    def add(self, logits: Floats, exact: Floats, next_token_ids: list[int]) -> None:
        """Take a window: logits and those of float32, both (T, V), and the T tokens that really follow."""
        found, expected = log_softmax(logits), log_softmax(exact.astype(np.float32))
        self._losses.append(-found[np.arange(len(next_token_ids)), next_token_ids])
        self._divergences.append((np.exp(expected) * (expected - found)).sum(axis=-1))
        self._agreements.append(logits.argmax(axis=-1) == exact.argmax(axis=-1))

    def quality(self) -> Quality:
        """The figures over all windows."""
        divergences = np.maximum(np.concatenate(self._divergences), 0)
        return Quality(
            self._weight_type,
            math.exp(float(np.concatenate(self._losses).mean(dtype=np.float64))),
            float(divergences.mean(dtype=np.float64)),
            float(np.quantile(divergences, 0.99)),
            float(np.concatenate(self._agreements).mean()),
        )


def measure(
    model: str, text: str, types: list[WeightType], *, num_tokens: int, context: int, threads: int
) -> list[Quality]:
    """Float32 first, then each type; raises ValueError for a text that is too short."""
    windows: list[list[int]] = []
    exact: list[Any] = []  # (T, V) float16 each
    qualities: list[Quality] = []
    for weight_type in (EXACT, *types):
        load = LoadParams(
            backend="torch", weight_type=weight_type, context_length=context, threads=threads,
            gpu_layers=0, kv_type="f32", sequences=1,
        )  # fmt: skip
        backend = load_backend(model, load, lambda _fraction: None, lambda: False)
        if not windows:
            token_ids = backend.tokenize(text, add_special=False)[:num_tokens]
            if len(token_ids) < TOO_FEW:
                raise ValueError(f"the text has {len(token_ids)} tokens, at least {TOO_FEW} are wanted")
            windows = [token_ids[start : start + context] for start in range(0, len(token_ids), context)]
            windows = [window for window in windows if len(window) > 1]
        reading = Reading(weight_type)
        for number, window in enumerate(windows):
            logits = window_logits(backend, window)
            if weight_type == EXACT:
                exact.append(logits.astype(np.float16))
            reading.add(logits, logits if weight_type == EXACT else exact[number], window[1:])
        backend.close()
        qualities.append(reading.quality())
    return qualities


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--model", default=str(builtin_model()))
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--types", nargs="+", choices=("int8", "int4", "bf16"), default=["int8", "int4"])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    qualities = measure(
        options.model,
        options.text.read_text(encoding="utf-8"),
        options.types,
        num_tokens=options.tokens,
        context=options.context,
        threads=options.threads,
    )
    print(f"{'weights':8}{'perplexity':>12}{'KL':>12}{'KL 99 %':>12}{'top-1':>10}")
    for quality in qualities:
        print(quality.line)
    change = {one.weight_type: one.perplexity / qualities[0].perplexity - 1 for one in qualities[1:]}
    report = {"model": Path(options.model).name, "text": options.text.name, "tokens": options.tokens}
    report |= {"context": options.context, "perplexity_change": change}
    print(json.dumps(report | {"qualities": [asdict(quality) for quality in qualities]}))


if __name__ == "__main__":
    main()

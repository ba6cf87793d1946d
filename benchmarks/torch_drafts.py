"""What drafts bring on the torch engine, and what they cost where they bring nothing.

The same prompts with and without drafts, in turn, on one thread and in its CPU time, greedy, each answer as
long as is asked for (end tokens are forbidden). The governor chooses the depth, as with `--mtp auto`.
Cases: the model as it is; with layers behind its own that change next to nothing, so that its MTP layer is a
smaller part of it while its guesses stay as good (`--deep` layers in all); that one with an MTP layer of
random weights, whose guesses are worth nothing; and the text itself as drafter (prompt lookup).

    python -m benchmarks.torch_drafts [--model FILE_OR_FOLDER] [--deep 24] [--tokens 200] [--rounds 5]

Prints a table, then one JSON line.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch  # noqa: TID253  (a program of its own)

from benchmarks.builtin_drafts import prompt_of
from engine.backends.choose import load_backend
from engine.backends.torch_backend import TorchBackend
from engine.contract.params import FORBIDDEN, LoadParams, SamplingParams
from engine.contract.paths import builtin_model
from engine.generation.draft import PromptLookup
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.prefix_cache import PrefixCache
from engine.generation.sampler import request_filters
from engine.generation.scheduler import Scheduler
from engine.generation.sequence import Sequence
from engine.generation.speculative import NEAR_TIE
from engine.training.rubric import FIXED
from engine.transformer.drafters import MtpDrafter
from engine.transformer.layer import Layer
from engine.transformer.linear import FloatLinear
from engine.transformer.model import Transformer
from engine.transformer.moe import FeedForward

CONTEXT = 1024
NEARLY_NOTHING = 1e-3  # what an added layer's outputs are multiplied by


def deepened(model: Transformer, num_layers: int) -> Transformer:
    """The same guesses and nearly the same answers by more layers: copies of the first, which is dense."""
    added = nearly_idle(model.layers[0])
    return replace(model, layers=model.layers + (added,) * max(0, num_layers - len(model.layers)))


def nearly_idle(layer: Layer) -> Layer:
    """It computes all that the layer does and adds a thousandth of it."""
    attention, feed_forward = layer.attention, layer.feed_forward
    assert isinstance(feed_forward, FeedForward)
    return replace(
        layer,
        attention=replace(attention, output=shrunk(attention.output)),
        feed_forward=replace(feed_forward, down=shrunk(feed_forward.down)),
    )


def shrunk(linear: Any) -> FloatLinear:
    """A linear layer with outputs of nearly nothing."""
    return FloatLinear(linear.weight * NEARLY_NOTHING)


def with_random_guesses(model: Transformer) -> Transformer:
    """The MTP layer joins its inputs by random weights."""
    (mtp,) = model.mtp_layers
    join = FloatLinear(torch.randn_like(mtp.join.weight) * 0.05)  # type: ignore[attr-defined]
    return replace(model, mtp_layers=(replace(mtp, join=join),))


def draft_share(model: Transformer) -> float:
    """Weights that a guess reads over those that a token of the model reads, output matrix left out."""
    mtp = sum(map(read_weights, model.mtp_layers))
    return mtp / (mtp + sum(map(read_weights, model.layers)))


def read_weights(part: Any) -> float:
    """Weights of a layer that one token reads: of the experts its share."""
    total = 0.0
    for name in getattr(part, "__dataclass_fields__", {}):
        value = getattr(part, name)
        if isinstance(value, torch.Tensor):
            is_view = name in ("key_up", "value_up")
            experts = len(value) / 2 if value.ndim == 3 and not is_view else 1.0  # two of them per token
            total += 0 if is_view else value.numel() / experts
        else:
            total += read_weights(value)
    return total


def generate(
    backend: TorchBackend, prompt: list[int], num_tokens: int, drafter: Any
) -> tuple[float, Sequence]:
    """Seconds of CPU for one answer, and its sequence."""
    bias = tuple((token, FORBIDDEN) for token in backend.end_tokens)
    params = SamplingParams(temperature=0, logit_bias=bias)
    rng = np.random.default_rng(0)
    drafting = None
    if drafter is not None:
        filters = request_filters(params, rng, backend.vocabulary)
        drafting = Drafting(backend, drafter, filters, rng, Governor(), NEAR_TIE)
    sampler = backend.sampler(params, 0, prompt)
    sequence = Sequence(token_ids=list(prompt), sampler=sampler, max_tokens=num_tokens, drafting=drafting)
    backend.truncate(0, 0)
    scheduler = Scheduler(backend, PrefixCache(backend, parking_bytes=0))
    scheduler.add(sequence)
    started = time.thread_time()
    while scheduler.has_work:
        scheduler.step()
    return time.thread_time() - started, sequence


def compare(backend: TorchBackend, make_drafter: Any, options: argparse.Namespace) -> dict[str, Any]:
    """All prompts, with and without, taking turns; speeds are of all answers together."""
    prompts = [backend.tokenize(prompt_of(p.system, p.turns[0]), add_special=False) for p in FIXED]
    ratios, same, drafted, accepted = [], 0, 0, 0
    for number in range(options.rounds):
        spent = {"plain": 0.0, "drafted": 0.0}
        for place, prompt in enumerate(prompts[: options.prompts]):
            answers = {}
            for kind in sorted(spent, reverse=bool((number + place) % 2)):
                drafter = make_drafter() if kind == "drafted" else None
                seconds, answers[kind] = generate(backend, prompt, options.tokens, drafter)
                spent[kind] += seconds
            drafting = answers["drafted"].drafting
            assert drafting is not None
            same += answers["plain"].token_ids == answers["drafted"].token_ids
            drafted, accepted = drafted + drafting.num_drafted, accepted + drafting.num_accepted
        ratios.append(spent["plain"] / spent["drafted"])
    return {
        "ratio": statistics.median(ratios),
        "worst": min(ratios),
        "acceptance": accepted / drafted if drafted else 0.0,
        "drafted_share": accepted / (options.rounds * options.tokens * min(options.prompts, len(prompts))),
        "same": same,
        "answers": options.rounds * min(options.prompts, len(prompts)),
    }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=str(builtin_model()))
    parser.add_argument("--deep", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    load = LoadParams(
        backend="torch", weight_type="f32", threads=1, gpu_layers=0, context_length=CONTEXT, sequences=1,
        draft_tokens=None,
    )  # fmt: skip
    backend = load_backend(options.model, load, lambda _: None, lambda: False)
    assert isinstance(backend, TorchBackend)
    plain = backend._model
    deep = deepened(plain, options.deep)
    cases = {
        "as it is": (plain, MtpDrafter),
        "deepened": (deep, MtpDrafter),
        "random guesses": (with_random_guesses(deep), MtpDrafter),
        "lookup": (plain, None),
    }
    report: dict[str, Any] = {}
    print(f"{'case':16}{'head':>7}{'accepted':>10}{'speed':>8}{'worst':>8}{'same':>10}")
    for name, (model, drafter) in cases.items():
        backend._model = model
        backend._caches = [model.new_cache(CONTEXT) for _ in backend._caches]
        make = (lambda m=model: MtpDrafter(m, CONTEXT)) if drafter else PromptLookup
        figures = compare(backend, make, options) | {"head": draft_share(model) if drafter else 0.0}
        report[name] = figures
        print(
            f"{name:16}{figures['head']:7.3f}{figures['acceptance']:10.3f}{figures['ratio']:8.3f}"
            f"{figures['worst']:8.3f}{figures['same']:6} of {figures['answers']}",
            flush=True,
        )
    print(json.dumps(report))


if __name__ == "__main__":
    main()

"""The loss of a model and its MTP layer, and what is measured on held-out documents.

Acceptance is the chance that a token drafted by the MTP layer is kept by speculative sampling
(arXiv:2211.17192, theorem 3.5), summed over the vocabulary: sum of min(p, q), both at the same temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.training.model import TrainedModel
from engine.training.tokenizer import PAD, Encoded

TokenLosses = Callable[[Tensor, Tensor, Tensor], Tensor]


def token_losses(hidden: Tensor, embedding: Tensor, targets: Tensor) -> Tensor:
    """The cross entropy (N,) in nats of hidden states (N, C) against target ids (N,)."""
    return F.cross_entropy(F.linear(hidden, embedding).float(), targets, reduction="none")


def joint_loss(
    model: TrainedModel, inputs: Tensor, targets: Tensor, weights: Tensor, *, losses_of: TokenLosses
) -> tuple[Tensor, Tensor]:
    """The weighted mean loss for the next token and for the one after it; inputs are (B, T) each.

    Runs in bfloat16 over float32 weights: 2.4 times the tokens per second on a processor with AVX512-BF16.
    """
    with torch.autocast("cpu", torch.bfloat16):
        states = model(inputs)  # (B, T, C), (B, T - 1, C)
    return losses_of_states(states, model.embed_tokens.weight, targets, weights, losses_of=losses_of)


def losses_of_states(
    states: tuple[Tensor, Tensor],
    embedding: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    losses_of: TokenLosses,
) -> tuple[Tensor, Tensor]:
    """The two losses of hidden states (B, T, C) and of the MTP layer's (B, T - 1, C)."""
    hidden, later = states
    with torch.autocast("cpu", torch.bfloat16):
        both = torch.cat([hidden.flatten(0, 1), later.flatten(0, 1)])
        wanted = torch.cat([targets.flatten(), targets[:, 1:].flatten()])
        losses = losses_of(both, embedding, wanted)
    first, second = losses.split([targets.numel(), len(losses) - targets.numel()])
    later_weights = weights[:, 1:]
    return (
        (first * weights.flatten()).sum() / weights.sum(),
        (second * later_weights.flatten()).sum() / later_weights.sum(),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over the weighted tokens of some documents."""

    loss: float  # nats per token
    mtp_loss: float  # of the token after the next
    acceptance: float


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def measure(model: TrainedModel, documents: Sequence[Encoded], *, temperature: float = 0.7) -> Measured:
    """The losses and the acceptance on each document by itself, in float32."""
    model.eval()
    sums = torch.zeros(3, dtype=torch.float64)
    weight = later_weight = 0.0
    with torch.compiler.set_stance("force_eager"):
        for start in range(0, len(documents), 8):
            ids, weights = padded(documents[start : start + 8])
            hidden, later = model(ids[:, :-1])  # (B, T, C), (B, T - 1, C)
            logits, drafts = model.logits(hidden), model.logits(later)
            losses = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
            sums[0] += (losses * weights[:, 1:].flatten()).sum()
            losses = F.cross_entropy(drafts.flatten(0, 1), ids[:, 2:].flatten(), reduction="none")
            sums[1] += (losses * weights[:, 2:].flatten()).sum()
            p, q = (logits[:, 1:] / temperature).softmax(-1), (drafts / temperature).softmax(-1)
            sums[2] += (torch.minimum(p, q).sum(-1) * weights[:, 2:]).sum()
            weight, later_weight = (
                weight + float(weights[:, 1:].sum()),
                later_weight + float(weights[:, 2:].sum()),
            )
    model.train()
    return Measured(float(sums[0]) / weight, float(sums[1]) / later_weight, float(sums[2]) / later_weight)


def padded(documents: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
    """Documents as token ids and weights (B, T); what is added at their ends weighs nothing."""
    shape = len(documents), max(len(document.token_ids) for document in documents)
    ids, weights = torch.full(shape, PAD), torch.zeros(shape)
    for row, document in enumerate(documents):
        ids[row, : len(document.token_ids)] = torch.tensor(document.token_ids)
        weights[row, : len(document.weights)] = torch.tensor(document.weights)
    return ids, weights

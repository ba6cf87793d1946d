"""What a model of the torch engine and its MTP layer expect of documents: `loss.measure` for what ships."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from engine.training.loss import Measured
from engine.training.tokenizer import Encoded
from engine.transformer.model import Transformer


@torch.inference_mode()  # type: ignore[untyped-decorator, unused-ignore]
def measure_loaded(model: Transformer, documents: Sequence[Encoded], *, temperature: float = 0.7) -> Measured:
    """The losses and the acceptance of drafts, means over the weighted tokens of all documents."""
    sums, weight, later_weight = [0.0, 0.0, 0.0], 0.0, 0.0
    for document in documents:
        ids, weights = torch.tensor(document.token_ids), torch.tensor(document.weights)
        hidden = model.hidden_states(document.token_ids[:-1], 0, model.new_cache(len(ids)))  # (T - 1, C)
        cache = model.new_mtp_cache(len(ids))
        later = model.mtp_hidden_states(0, hidden[:-1], document.token_ids[1:-1], 0, cache)  # (T - 2, C)
        logits, drafts = model.logits(hidden), model.logits(later)  # (T - 1, V), (T - 2, V)
        sums[0] += float((F.cross_entropy(logits, ids[1:], reduction="none") * weights[1:]).sum())
        sums[1] += float((F.cross_entropy(drafts, ids[2:], reduction="none") * weights[2:]).sum())
        p, q = (logits[1:] / temperature).softmax(-1), (drafts / temperature).softmax(-1)
        sums[2] += float((torch.minimum(p, q).sum(-1) * weights[2:]).sum())
        weight, later_weight = weight + float(weights[1:].sum()), later_weight + float(weights[2:].sum())
    return Measured(sums[0] / weight, sums[1] / later_weight, sums[2] / later_weight)

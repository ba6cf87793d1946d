"""Routed experts while they are trained (DeepSeek-V3, arXiv:2412.19437, section 2.1.2).

The load is balanced without an auxiliary loss: a bias per expert takes part in choosing, not in weighing, and
moves by a fixed step after every batch, down for experts with more than their share and up for the others.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.transformer.config import MoeConfig


class MixtureOfExperts(nn.Module):
    """The routed experts of a layer. The shared ones are added by the layer, whose dense part they join."""

    def __init__(self, size: int, config: MoeConfig) -> None:
        super().__init__()
        self.config = config
        experts, inner = config.num_experts, config.expert_size
        self.router = nn.Linear(size, experts, bias=False)
        self.gate_up = nn.Parameter(torch.empty(experts, 2 * inner, size).uniform_(-1, 1) * size**-0.5)
        self.down = nn.Parameter(torch.empty(experts, size, inner).uniform_(-1, 1) * inner**-0.5)
        self.register_buffer("correction", torch.zeros(experts))
        self.register_buffer("load", torch.zeros(experts), persistent=False)  # tokens since the last step
        self.shared_experts: nn.Module

    def routed(self, x: Tensor) -> Tensor:
        """(B, T, C) to what the routed experts add, (B, T, C)."""
        flat = x.flatten(0, 1)  # (B * T, C)
        chosen, shares = self.choose(flat)
        dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype
        weights = self.gate_up.to(dtype), self.down.to(dtype)
        mixed: Tensor = RoutedExperts.apply(flat.to(dtype), shares.to(dtype), chosen, *weights)
        return mixed.view(x.shape)

    def choose(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C) to the chosen experts (N, K) and their weights (N, K), in float32 as the references do."""
        with torch.autocast("cpu", enabled=False):
            scores = F.linear(x.float(), self.router.weight).sigmoid()  # (N, E)
        chosen = (scores.detach() + self.correction).topk(self.config.experts_per_token, dim=-1).indices
        if self.training:
            self.load += chosen.flatten().bincount(minlength=self.config.num_experts)
        shares = scores.gather(-1, chosen)
        return chosen, shares / (shares.sum(-1, keepdim=True) + 1e-20) * self.config.scaling

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def balance(self, rate: float) -> None:
        """Move the biases towards an equal load, and begin to count anew."""
        self.correction += rate * (self.load.mean() - self.load).sign()
        self.load.zero_()


class RoutedExperts(torch.autograd.Function):
    """The products of the chosen experts, each expert once for all of its tokens.

    Written with its own backward pass, since gradients through slices of one tensor would be copied whole for
    every expert.
    """

    @staticmethod
    def forward(  # noqa: PLR0917  (torch passes them by position)
        ctx: Any, x: Tensor, shares: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor
    ) -> Tensor:
        """(N, C), (N, K), (N, K), (E, 2 * F, C), (E, C, F) to (N, C)."""
        order = chosen.flatten().argsort(stable=True)  # (N * K,), sorted by expert
        tokens = order // chosen.shape[1]
        sizes = chosen.flatten().bincount(minlength=len(down)).tolist()
        inputs = x[tokens]  # (N * K, C)
        gate_ups = x.new_empty(len(order), gate_up.shape[1])  # (N * K, 2 * F)
        for rows, part, weight in zip(inputs.split(sizes), gate_ups.split(sizes), gate_up, strict=True):
            torch.mm(rows, weight.T, out=part)
        weights = shares.flatten()[order, None]  # (N * K, 1)
        gate, up = gate_ups.chunk(2, dim=-1)
        inner = F.silu(gate) * up * weights  # (N * K, F)
        outputs = x.new_empty(len(order), x.shape[1])  # (N * K, C)
        for rows, part, weight in zip(inner.split(sizes), outputs.split(sizes), down, strict=True):
            torch.mm(rows, weight.T, out=part)
        ctx.save_for_backward(order, tokens, inputs, gate_ups, weights, inner, gate_up, down)
        ctx.sizes, ctx.shape = sizes, shares.shape
        return _summed(outputs, order, shares.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, Tensor, Tensor]:
        """The gradients of what `forward` took."""
        order, tokens, inputs, gate_ups, weights, inner, gate_up, down = ctx.saved_tensors
        sizes = ctx.sizes
        d_outputs = gradient[tokens]  # (N * K, C)
        d_inner, d_down = torch.empty_like(inner), torch.empty_like(down)
        parts = zip(d_outputs.split(sizes), inner.split(sizes), d_inner.split(sizes), strict=True)
        for expert, (d_rows, rows, into) in enumerate(parts):
            torch.mm(d_rows, down[expert], out=into)
            torch.mm(d_rows.T, rows, out=d_down[expert])
        gate, up = gate_ups.chunk(2, dim=-1)
        open_share = gate.sigmoid()
        passed = gate * open_share  # silu
        d_weights = (d_inner * passed * up).sum(-1)  # (N * K,)
        d_inner *= weights
        d_gate = d_inner * up * (open_share + passed * (1 - open_share))
        d_gate_ups = torch.cat([d_gate, d_inner * passed], dim=-1)  # (N * K, 2 * F)
        d_inputs, d_gate_up = torch.empty_like(inputs), torch.empty_like(gate_up)
        parts = zip(d_gate_ups.split(sizes), inputs.split(sizes), d_inputs.split(sizes), strict=True)
        for expert, (d_rows, rows, into) in enumerate(parts):
            torch.mm(d_rows, gate_up[expert], out=into)
            torch.mm(d_rows.T, rows, out=d_gate_up[expert])
        d_shares = torch.empty_like(d_weights)
        d_shares[order] = d_weights
        return _summed(d_inputs, order, ctx.shape), d_shares.view(ctx.shape), None, d_gate_up, d_down


def _summed(rows: Tensor, order: Tensor, shape: torch.Size) -> Tensor:
    """Rows (N * K, C) sorted by expert to their sums per token (N, C)."""
    unsorted = torch.empty_like(rows)
    unsorted[order] = rows
    return unsorted.view(*shape, -1).sum(1)

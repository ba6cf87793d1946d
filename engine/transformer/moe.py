"""Mixtures of experts: DeepSeekMoE (arXiv:2401.06066), V3's routing (arXiv:2412.19437, 2.1.2), Qwen's.

Only the chosen experts are touched: one token reads K of E.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.transformer.config import MoeConfig
from engine.transformer.linear import ExpertLinear, Linear
from engine.transformer.weights import Weights


@dataclass(frozen=True, slots=True)
class FeedForward:
    """The gated feed-forward part of a layer, SwiGLU (arXiv:2002.05202, equation 6)."""

    gate_up: Linear  # C to F of the gate and F of the other side
    down: Linear  # F to C

    @classmethod
    def read(
        cls, weights: Weights, prefix: str, hidden_size: int, size: int, *, bias: bool = False
    ) -> "FeedForward":
        """Read a dense layer's weights, or those of shared experts."""
        parts = [(f"{prefix}.gate_proj", size), (f"{prefix}.up_proj", size)]
        return cls(
            gate_up=weights.joined_linear(
                parts, hidden_size, biased=[name for name, _ in parts] if bias else []
            ),
            down=weights.linear(f"{prefix}.down_proj", hidden_size, size, bias=bias),
        )

    def __call__(self, x: Tensor) -> Tensor:
        """(T, C) to (T, C)."""
        return self.down(gated(self.gate_up(x)))  # (T, C)


def gated(gate_up: Tensor) -> Tensor:
    """(T, 2 * F) to (T, F): one half decides how much of the other passes."""
    gate, up = gate_up.chunk(2, dim=-1)  # (T, F) each
    return F.silu(gate) * up  # (T, F)


@dataclass(frozen=True, slots=True)
class Router:
    """Chooses K experts for every token and weighs them. Computed in float32, as the references do."""

    config: MoeConfig
    weight: Tensor  # (E, C) float32
    correction: Tensor | None  # (E,) float32, added for choosing only

    @classmethod
    def read(cls, weights: Weights, prefix: str, hidden_size: int, config: MoeConfig) -> "Router":
        """Read the router's weights."""
        num_experts, single = config.num_experts, torch.float32
        correction = None
        if config.has_correction_bias:
            correction = weights.tensor(
                f"{prefix}.e_score_correction_bias", num_experts, dtype=single
            )  # (E,)
        weight = weights.tensor(f"{prefix}.weight", num_experts, hidden_size, dtype=single)  # (E, C)
        return cls(config, weight, correction)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(T, C) to the chosen experts (T, K) int64 and their weights (T, K) float32."""
        config = self.config
        affinity = F.linear(x.to(torch.float32), self.weight)  # (T, E)
        scores = affinity.softmax(-1) if config.scoring == "softmax" else affinity.sigmoid()  # (T, E)
        ranking = scores if self.correction is None else scores + self.correction  # (T, E)
        if config.num_groups > 1:
            ranking = self._best_groups(ranking)  # (T, E)
        chosen = ranking.topk(config.experts_per_token, dim=-1, sorted=False).indices  # (T, K)
        shares = scores.gather(-1, chosen)  # (T, K)
        if config.normalizes:
            shares = shares / (shares.sum(-1, keepdim=True) + 1e-20)  # (T, K)
        return chosen, shares * config.scaling  # (T, K), (T, K)

    def _best_groups(self, ranking: Tensor) -> Tensor:
        """(T, E) with everything outside the best groups at -inf (V2 section 2.2.2: node-limited routing)."""
        config = self.config
        grouped = ranking.unflatten(-1, (config.num_groups, -1))  # (T, groups, E / groups)
        if config.group_score == "top2":
            group_scores = grouped.topk(2, dim=-1).values.sum(-1)  # (T, groups)
        else:
            group_scores = grouped.amax(-1)  # (T, groups)
        best = group_scores.topk(config.groups_per_token, dim=-1, sorted=False).indices  # (T, best)
        barred = torch.ones_like(group_scores, dtype=torch.bool).scatter_(-1, best, False)  # (T, groups)
        return grouped.masked_fill(barred[..., None], -torch.inf).flatten(-2)  # (T, E)


@dataclass(frozen=True, slots=True)
class MixtureOfExperts:
    """The feed-forward part of a layer with experts."""

    router: Router
    gate_up: ExpertLinear  # C to 2 * F
    down: ExpertLinear  # F to C
    shared: FeedForward | None
    shared_gate: Linear | None  # C to 1
    expert_device: torch.device  # of the routed experts: all else may be on a GPU and they in RAM

    @classmethod
    def read(cls, weights: Weights, prefix: str, hidden_size: int, config: MoeConfig) -> "MixtureOfExperts":
        """Read the layer's weights, one expert at a time into its place."""
        size, name = config.expert_size, f"{prefix}.experts"
        gate_up = weights.experts(
            lambda expert: [(f"{name}.{expert}.{side}_proj", size) for side in ("gate", "up")],
            config.num_experts,
            hidden_size,
        )
        down = weights.experts(
            lambda expert: [(f"{name}.{expert}.down_proj", hidden_size)], config.num_experts, size
        )
        shared = shared_gate = None
        if config.shared_size:
            shared = FeedForward.read(
                weights, f"{prefix}.{config.shared_name}", hidden_size, config.shared_size
            )
        if config.has_shared_gate:
            shared_gate = weights.linear(
                f"{prefix}.{config.shared_name}_gate", 1, hidden_size, at_least="float"
            )
        router = Router.read(weights, f"{prefix}.gate", hidden_size, config)
        return cls(router, gate_up, down, shared, shared_gate, weights.expert_device)

    def __call__(self, x: Tensor, counts: Tensor | None = None) -> Tensor:
        """(T, C) to (T, C); adds to `counts` (E,) how many tokens chose each expert."""
        chosen, shares = self.router(x)  # (T, K) each
        if counts is not None:
            counts += chosen.flatten().bincount(minlength=len(counts)).to(counts.device)
        there = x.to(self.expert_device)  # (T, C)
        chosen, shares = chosen.to(self.expert_device), shares.to(self.expert_device, x.dtype)  # (T, K) each
        is_one = len(x) == 1
        mixed = self._one(there, chosen[0], shares[0]) if is_one else self._many(there, chosen, shares)
        mixed = mixed.to(x.device)  # (T, C)
        if self.shared is not None:
            shared = self.shared(x)  # (T, C)
            if self.shared_gate is not None:
                shared = shared * self.shared_gate(x).sigmoid()  # (T, C)
            mixed = mixed + shared  # (T, C)
        return mixed

    def _one(self, x: Tensor, chosen: Tensor, shares: Tensor) -> Tensor:
        """One token (1, C): its experts one after the other, without copying their weights."""
        experts = chosen.tolist()
        inner = torch.cat([self.gate_up[expert](x) for expert in experts])  # (K, 2 * F)
        weighted = (gated(inner) * shares[:, None]).split(1)  # K of (1, F)
        outer = [
            self.down[expert](part) for part, expert in zip(weighted, experts, strict=True)
        ]  # K of (1, C)
        return torch.cat(outer).sum(0, keepdim=True)  # (1, C)

    def _many(self, x: Tensor, chosen: Tensor, shares: Tensor) -> Tensor:
        """Many tokens: sorted by expert, so that each chosen expert is read once for all of its tokens."""
        num_tokens, experts_per_token = chosen.shape
        order = chosen.flatten().argsort(stable=True)  # (T * K,), places in `chosen`, sorted by expert
        counts = chosen.flatten().bincount(minlength=self.gate_up.num_experts).tolist()  # E
        sorted_x = x[order // experts_per_token]  # (T * K, C)
        sorted_outputs = torch.empty_like(sorted_x)  # (T * K, C)
        start = 0
        for expert, count in enumerate(counts):
            if not count:
                continue
            inner = gated(self.gate_up[expert](sorted_x[start : start + count]))  # (count, F)
            sorted_outputs[start : start + count] = self.down[expert](inner)
            start += count
        outputs = torch.empty_like(sorted_x)  # (T * K, C), again in the order of `chosen`
        outputs[order] = sorted_outputs
        per_token = outputs.view(num_tokens, experts_per_token, -1)  # (T, K, C)
        return torch.bmm(shares[:, None], per_token)[:, 0]  # (T, C)

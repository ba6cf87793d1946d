"""Muon: momentum made orthogonal, for the matrices inside the layers (Keller Jordan and others, 2024).

https://kellerjordan.github.io/posts/muon/. Like torch.optim.Muon, but matrices of one shape go through the
iteration together, and a stack of experts is as many matrices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # the quintic that lifts small singular values fastest


def orthogonalized(matrices: Tensor) -> Tensor:
    """(M, R, C) to nearly orthogonal matrices (M, R, C) in bfloat16, by Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    x = matrices.to(torch.bfloat16)
    is_tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if is_tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if is_tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal; weight decay apart from the gradient."""

    def __init__(self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float, momentum: float = 0.95):
        """`matrices` are (R, C), or (E, R, C) for a stack of them."""
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def step(self) -> None:
        """One step with the gradients that are there."""
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for parameter in group["params"]:
                same_shape[parameter.shape[-2:]].append(parameter)
            for parameters in same_shape.values():
                self._step(parameters, group)

    def _step(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        rows, columns = parameters[0].shape[-2:]
        directions = []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
            nesterov = torch.lerp(parameter.grad, state["momentum"], group["momentum"])
            directions.append(nesterov.view(-1, rows, columns))
        updates = orthogonalized(torch.cat(directions))
        scale = -group["lr"] * max(1, rows / columns) ** 0.5
        for parameter, update in zip(
            parameters, updates.split([len(each) for each in directions]), strict=True
        ):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update.view_as(parameter), alpha=scale)

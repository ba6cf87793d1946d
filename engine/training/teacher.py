"""Distillation (arXiv:1503.02531): a smaller model learns what a larger one of the same tokenizer expects.

The student's loss for the next token is the cross entropy with the text, mixed with the divergence from the
teacher's distribution, both softened by a temperature. Its MTP layer learns from the text alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.training.loss import losses_of_states, token_losses
from engine.training.model import TrainedModel
from engine.transformer.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained model that answers, and how much it counts."""

    model: TrainedModel
    share: float = 0.7  # of the loss; the text's own is the rest
    temperature: float = 2.0

    def joint_loss(
        self, student: TrainedModel, inputs: Tensor, targets: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `loss.joint_loss`, the first of the two mixed with what the teacher expects; (B, T) each."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            expected = self.model.logits(self.model(inputs)[0]).float()  # (B, T, V)
        with torch.autocast("cpu", torch.bfloat16):
            states = student(inputs)  # (B, T, C), (B, T - 1, C)
            logits = student.logits(states[0]).float()  # (B, T, V)
        text_loss, mtp_loss = losses_of_states(
            states, student.embed_tokens.weight, targets, weights, losses_of=token_losses
        )
        divergence = softened_divergence(logits, expected, self.temperature)  # (B, T)
        taught = (divergence * weights).sum() / weights.sum()
        return (1 - self.share) * text_loss + self.share * taught, mtp_loss


def softened_divergence(logits: Tensor, expected: Tensor, temperature: float) -> Tensor:
    """KL divergence (..., ) of logits (..., V) from expected ones, times the temperature squared.

    The factor keeps the size of the gradients whatever the temperature (section 2).
    """
    wanted = (expected / temperature).log_softmax(-1)  # (..., V)
    given = (logits / temperature).log_softmax(-1)  # (..., V)
    return F.kl_div(given, wanted, reduction="none", log_target=True).sum(-1) * temperature**2


def student_config(teacher: ModelConfig, *, num_layers: int, num_experts: int) -> ModelConfig:
    """The teacher's shape with fewer layers and experts; the first layer stays dense."""
    assert teacher.moe is not None
    if not 1 < num_layers <= teacher.num_layers:
        raise ValueError(f"a student has 2 to {teacher.num_layers} layers, not {num_layers}")
    if not teacher.moe.experts_per_token <= num_experts <= teacher.moe.num_experts:
        fewest, most = teacher.moe.experts_per_token, teacher.moe.num_experts
        raise ValueError(f"a student has {fewest} to {most} experts, not {num_experts}")
    return replace(
        teacher,
        num_layers=num_layers,
        moe_layers=(False, *([True] * (num_layers - 1))),
        moe=replace(teacher.moe, num_experts=num_experts),
    )

"""The shape of the built-in model and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass

from engine.transformer.config import MlaConfig, ModelConfig, MoeConfig, RopeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParams:
    """Everything that a run is made of besides its data and its seed."""

    model: ModelConfig
    row_length: int = 256  # tokens; a document may begin in one row and end in the next
    long_row_length: int = 1024  # the rows of the last part: the context length of the model
    long_from: float = 0.8  # the share of the run after which rows are long
    batch_tokens: int = 2048  # per step
    matrix_lr: float = 0.02  # Muon, for the matrices of the layers
    other_lr: float = 3e-3  # AdamW, for the embedding, the routers and the norms
    weight_decay: float = 0.1
    decay_from: float = 0.44  # the share of the run after which the rates fall
    final_lr_share: float = 0.03
    warmup_steps: int = 60
    mtp_weight: float = 0.3  # lambda of DeepSeek-V3, equation 25
    balance_rate: float = 1e-3  # gamma of section 2.1.2: how far an expert's bias moves per step
    compiled: bool = True


def builtin_config() -> ModelConfig:
    """The shape of the built-in model.

    Heads, latent and experts are multiples of 32, the smallest block of llama.cpp's quantization types, so
    that every matrix of the file can be quantized.
    """
    return ModelConfig(
        model_type="deepseek_v3",
        vocabulary_size=2048,
        hidden_size=256,
        feed_forward_size=640,
        num_layers=6,
        context_length=1024,
        norm_eps=1e-6,
        rope=RopeConfig(size=32, theta=10_000.0, interleaved=True),
        attention=MlaConfig(num_heads=4, q_rank=128, kv_rank=128, nope_size=32, rope_size=32, value_size=64),
        moe=MoeConfig(
            num_experts=8,
            experts_per_token=2,
            expert_size=128,
            scoring="sigmoid",
            shared_size=256,
            has_correction_bias=True,
            group_score="top2",
            normalizes=True,
        ),
        moe_layers=(False, True, True, True, True, True),
        num_mtp_layers=1,
        has_tied_embeddings=True,
    )


def lr_share(progress: float, step: int, params: TrainingParams) -> float:
    """The share of the full learning rate: a warm-up by steps, flat, then straight down.

    Warmup-stable-decay (MiniCPM, arXiv:2404.06395, section 4): while it is flat, how long the run will be is
    still open. `progress` is the share of the run that is over.
    """
    falling = min(1.0, max(0.0, (progress - params.decay_from) / (1 - params.decay_from)))
    return (1 - (1 - params.final_lr_share) * falling) * min(1.0, (step + 1) / params.warmup_steps)

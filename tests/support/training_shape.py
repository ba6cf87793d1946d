"""A model small enough to train in a test, of the built-in model's layout."""

from engine.transformer.config import MlaConfig, ModelConfig, MoeConfig, RopeConfig


def tiny_config(*, vocabulary_size: int = 300) -> ModelConfig:
    """Two layers, the second with experts, and an MTP layer."""
    return ModelConfig(
        model_type="deepseek_v3",
        vocabulary_size=vocabulary_size,
        hidden_size=64,
        feed_forward_size=96,
        num_layers=2,
        context_length=64,
        norm_eps=1e-6,
        rope=RopeConfig(size=32, theta=10_000.0, interleaved=True),
        attention=MlaConfig(num_heads=2, q_rank=32, kv_rank=32, nope_size=32, rope_size=32, value_size=64),
        moe=MoeConfig(
            num_experts=4,
            experts_per_token=2,
            expert_size=32,
            scoring="sigmoid",
            shared_size=64,
            has_correction_bias=True,
            group_score="top2",
            normalizes=True,
        ),
        moe_layers=(False, True),
        num_mtp_layers=1,
        has_tied_embeddings=True,
    )

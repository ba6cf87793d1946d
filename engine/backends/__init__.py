"""Implementations of `engine.generation.backend.Backend`: what really computes logits."""

"""Real recurrent models small enough to write in a test, with random weights.

Mamba (arXiv:2312.00752), and Jamba (arXiv:2403.19887), whose second layer is one of attention.
"""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from tests.support.tiny_model import CONTEXT, VOCABULARY_SIZE, add_byte_vocabulary

HIDDEN, LAYERS = 64, 2
INNER, STATE, KERNEL, TIME_STEP = 128, 16, 4, 4
HEADS, FEED_FORWARD = 4, 96


class _Writer:
    """Takes tensors and writes the file at the end."""

    def __init__(self, path: Path, architecture: str, name: str, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._path = path
        self.numbers = writer = GGUFWriter(path, architecture)
        writer.add_name(name)
        writer.add_context_length(CONTEXT)
        writer.add_embedding_length(HIDDEN)
        writer.add_block_count(LAYERS)
        writer.add_ssm_conv_kernel(KERNEL)
        writer.add_ssm_inner_size(INNER)
        writer.add_ssm_state_size(STATE)
        writer.add_ssm_time_step_rank(TIME_STEP)
        writer.add_layer_norm_rms_eps(1e-5)
        add_byte_vocabulary(writer)

    def add(self, tensor: str, *shape: int) -> None:
        """Random weights; ones for a vector."""
        weights = self._random.normal(0, 1 / np.sqrt(shape[-1]), shape) if len(shape) > 1 else np.ones(shape)
        self.numbers.add_tensor(tensor, weights.astype(np.float32))

    def add_mamba(self, block: str) -> None:
        """A recurrent layer's own tensors."""
        self.add(f"{block}.ssm_in.weight", 2 * INNER, HIDDEN)
        self.add(f"{block}.ssm_conv1d.weight", INNER, KERNEL)
        self.add(f"{block}.ssm_conv1d.bias", INNER)
        self.add(f"{block}.ssm_x.weight", TIME_STEP + 2 * STATE, INNER)
        self.add(f"{block}.ssm_dt.weight", INNER, TIME_STEP)
        self.add(f"{block}.ssm_dt.bias", INNER)
        rates = np.tile(np.arange(1, STATE + 1), (INNER, 1))  # (INNER, STATE), as Mamba begins its training
        self.numbers.add_tensor(f"{block}.ssm_a", -rates.astype(np.float32))
        self.add(f"{block}.ssm_d", INNER)
        self.add(f"{block}.ssm_out.weight", HIDDEN, INNER)

    def close(self) -> Path:
        """Both ends of the model, and the file."""
        self.add("token_embd.weight", VOCABULARY_SIZE, HIDDEN)
        self.add("output_norm.weight", HIDDEN)
        self.add("output.weight", VOCABULARY_SIZE, HIDDEN)
        self.numbers.write_header_to_file()
        self.numbers.write_kv_data_to_file()
        self.numbers.write_tensors_to_file()
        self.numbers.close()
        return self._path


def write_tiny_mamba(path: Path, *, seed: int = 0) -> Path:
    """Write a Mamba of random parameters, one token per byte."""
    writer = _Writer(path, "mamba", "Tiny Mamba", seed)
    writer.numbers.add_feed_forward_length(0)
    writer.numbers.add_head_count(0)
    for layer in range(LAYERS):
        writer.add(f"blk.{layer}.attn_norm.weight", HIDDEN)
        writer.add_mamba(f"blk.{layer}")
    return writer.close()


def write_tiny_jamba(path: Path, *, seed: int = 0) -> Path:
    """Write a hybrid of random parameters: a recurrent layer and one of attention, one token per byte."""
    writer = _Writer(path, "jamba", "Tiny Jamba", seed)
    writer.numbers.add_feed_forward_length(FEED_FORWARD)
    writer.numbers.add_head_count(HEADS)
    writer.numbers.add_head_count_kv([0, HEADS])
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        writer.add(f"{block}.attn_norm.weight", HIDDEN)
        if layer == 0:
            writer.add_mamba(block)
            writer.add(f"{block}.ssm_dt_norm.weight", TIME_STEP)
            writer.add(f"{block}.ssm_b_norm.weight", STATE)
            writer.add(f"{block}.ssm_c_norm.weight", STATE)
        else:
            for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
                writer.add(f"{block}.{part}.weight", HIDDEN, HIDDEN)
        writer.add(f"{block}.ffn_norm.weight", HIDDEN)
        writer.add(f"{block}.ffn_gate.weight", FEED_FORWARD, HIDDEN)
        writer.add(f"{block}.ffn_up.weight", FEED_FORWARD, HIDDEN)
        writer.add(f"{block}.ffn_down.weight", HIDDEN, FEED_FORWARD)
    return writer.close()

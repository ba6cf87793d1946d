"""A real recurrent model small enough to write in a test: Mamba (arXiv:2312.00752) with random weights."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from tests.support.tiny_model import CONTEXT, VOCABULARY_SIZE, add_byte_vocabulary

HIDDEN, LAYERS = 64, 2
INNER, STATE, KERNEL, TIME_STEP = 128, 16, 4, 4


def write_tiny_mamba(path: Path, *, seed: int = 0) -> Path:
    """Write a Mamba of random parameters, one token per byte."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(path, "mamba")
    writer.add_name("Tiny Mamba")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(KERNEL)
    writer.add_ssm_inner_size(INNER)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_time_step_rank(TIME_STEP)
    writer.add_layer_norm_rms_eps(1e-5)
    add_byte_vocabulary(writer)

    def add(tensor: str, *shape: int) -> None:
        weights = random.normal(0, 1 / np.sqrt(shape[-1]), shape) if len(shape) > 1 else np.ones(shape)
        writer.add_tensor(tensor, weights.astype(np.float32))

    add("token_embd.weight", VOCABULARY_SIZE, HIDDEN)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        add(f"{block}.attn_norm.weight", HIDDEN)
        add(f"{block}.ssm_in.weight", 2 * INNER, HIDDEN)
        add(f"{block}.ssm_conv1d.weight", INNER, KERNEL)
        add(f"{block}.ssm_conv1d.bias", INNER)
        add(f"{block}.ssm_x.weight", TIME_STEP + 2 * STATE, INNER)
        add(f"{block}.ssm_dt.weight", INNER, TIME_STEP)
        add(f"{block}.ssm_dt.bias", INNER)
        rates = np.tile(np.arange(1, STATE + 1), (INNER, 1))  # (INNER, STATE), as Mamba begins its training
        writer.add_tensor(f"{block}.ssm_a", -rates.astype(np.float32))
        add(f"{block}.ssm_d", INNER)
        add(f"{block}.ssm_out.weight", HIDDEN, INNER)
    add("output_norm.weight", HIDDEN)
    add("output.weight", VOCABULARY_SIZE, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

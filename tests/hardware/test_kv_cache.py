from pathlib import Path

from engine.contract.model_shape import ModelShape
from engine.contract.params import KvType
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.hardware.memory import available_bytes, decode_threads, peak_rss_bytes, physical_cores
from engine.library.gguf import read_header
from engine.library.model_shape import shape_of_header
from tests.support.tiny_model import HIDDEN, LAYERS


def shape_with(architecture: str, **hyperparameters: int | tuple[int, ...]) -> ModelShape:
    numbers = {name.replace("__", "."): value for name, value in hyperparameters.items()}
    return ModelShape(
        name="", format="gguf", architecture=architecture, numbers=numbers, weights=(), vocabulary_size=0
    )


def test_keys_and_values_of_every_layer_are_counted(tiny_model: Path) -> None:
    shape = shape_of_header(read_header(tiny_model))
    assert kv_bytes_per_token(shape, "f16") == LAYERS * 2 * HIDDEN * 2
    assert kv_bytes_per_token(shape, "f32") == LAYERS * 2 * HIDDEN * 4


def test_grouped_heads_take_their_share_only() -> None:
    shape = shape_with(
        "llama", block_count=32, embedding_length=4096, attention__head_count=32, attention__head_count_kv=8
    )
    assert kv_bytes_per_token(shape, "f16") == 32 * 2 * 8 * 128 * 2


def test_a_latent_takes_576_values_per_layer_in_deepseek_v3_and_its_mtp_layer_none() -> None:
    shape = shape_with(
        "deepseek2",
        block_count=62,
        nextn_predict_layers=1,
        embedding_length=7168,
        attention__head_count=128,
        attention__kv_lora_rank=512,
        rope__dimension_count=64,
        attention__key_length_mla=192,
    )
    assert kv_bytes_per_token(shape, "f16") == 61 * 576 * 2


def test_a_quantized_cache_takes_about_half() -> None:
    shape = shape_with("llama", block_count=1, embedding_length=64, attention__head_count=1)
    sizes: dict[KvType, int] = {kind: kv_bytes_per_token(shape, kind) for kind in ("f16", "q8_0")}
    assert 0.5 < sizes["q8_0"] / sizes["f16"] < 0.54


def test_this_computer_has_memory_and_a_core() -> None:
    assert available_bytes() > 2**26
    assert 2**20 < peak_rss_bytes() < 2**40
    assert 1 <= decode_threads() <= physical_cores()

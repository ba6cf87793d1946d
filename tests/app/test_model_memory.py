from dataclasses import replace

import pytest

from app.model_memory import LONGEST_BY_DEFAULT, predict_memory
from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import KvType, LoadParams

INFO = ModelInfo(
    name="Tester", path="/models/t.gguf", architecture="llama", size_bytes=1_000_000, parameters=2_000_000,
    quantization="Q8_0", context_length=32768, vocabulary_size=1000, has_chat_template=True,
)  # fmt: skip
LOADED = LoadedModel(
    info=INFO, backend="llama", device="CPU", context_length=4096, kv_bytes_per_token=1000, load_ms=1.0,
    backend_version="1",
)  # fmt: skip


def test_the_kv_cache_grows_with_the_context() -> None:
    memory = predict_memory(LOADED, "f16", LoadParams(context_length=16384))
    assert (memory.weights_bytes, memory.kv_bytes) == (1_000_000, 16_384_000)
    assert memory.total_bytes == 17_384_000


@pytest.mark.parametrize(
    ("kv_type", "ratio"), [("f32", 2.0), ("f16", 1.0), ("q8_0", 0.53125), ("q4_0", 0.28125)]
)
def test_the_type_of_the_kv_cache_counts(kv_type: KvType, ratio: float) -> None:
    wanted = replace(LoadParams(context_length=1000), kv_type=kv_type)
    assert predict_memory(LOADED, "f16", wanted).kv_bytes == 1_000_000 * ratio


def test_a_context_that_is_not_asked_for_is_the_engine_s() -> None:
    assert predict_memory(LOADED, "f16", LoadParams()).context_length == LONGEST_BY_DEFAULT
    short = replace(LOADED, info=replace(INFO, context_length=1024))
    assert predict_memory(short, "f16", LoadParams()).context_length == 1024

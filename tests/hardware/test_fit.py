"""The ledger's arithmetic against what llama.cpp says of its own buffers, without a byte of weights."""

import re
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Kind

from engine.contract.model_shape import ModelShape
from engine.contract.params import KvType, LoadParams
from engine.hardware.bandwidth import kept_bandwidth
from engine.hardware.fit import measure
from engine.hardware.fit_ledger import forecast
from engine.hardware.fit_speed import active_bytes
from engine.hardware.kv_cache import has_state, kv_bytes_per_token, layer_state_bytes
from engine.hardware.kv_layout import KvLayout, kv_layout
from engine.library.gguf import read_header
from engine.library.model_shape import read_shape, shape_of_header
from tests.support.random_gguf import RandomModel, write_random_model
from tests.support.simulated_devices import GIB, ram
from tests.support.tiny_recurrent import write_tiny_mamba

MIB = 2**20
DENSE = RandomModel(
    architecture="llama", layers=3, hidden=1024, feed_forward=2816, heads=16, kv_heads=8, head_size=64
)
MIXTURE = RandomModel(
    architecture="qwen3moe", layers=3, hidden=1024, feed_forward=2816, heads=16, kv_heads=4, head_size=64,
    experts=64, experts_used=8, expert_feed_forward=384,
)  # fmt: skip
LATENT = RandomModel(
    architecture="deepseek2", layers=3, hidden=1024, feed_forward=2816, heads=16, kv_heads=16, head_size=64,
    experts=16, experts_used=4, expert_feed_forward=512, shared_experts=1, dense_layers=1, latent=512,
    mtp_layers=1,
)  # fmt: skip


def told_by_llama(path: Path, load: LoadParams, layout: KvLayout) -> dict[str, float]:
    """Bytes of each kind of buffer, from the log of a load that allocates nothing."""
    library = pytest.importorskip("llama_cpp.llama_cpp")
    from engine.backends.llama import loading  # noqa: PLC0415  (after the check that it is installed)
    from engine.backends.llama.native import load_native  # noqa: PLC0415

    native, pieces = load_native(), list[str]()
    with native.log.heard_by(pieces.append):
        params = library.llama_model_default_params()
        params.n_gpu_layers, params.no_alloc, params.load_mode = 0, True, 0
        model = library.llama_model_load_from_file(str(path).encode(), params)
        context = loading.create_context(library, model, load, layout, batch_size=load.batch_size)
        assert context
        library.llama_free(context)
        library.llama_model_free(model)
    text = "".join(pieces)
    compute = re.findall(r"compute buffer size = +([\d.]+) MiB", text)[-1]
    logits = re.findall(r"output buffer size = +([\d.]+) MiB", text)[-1]
    cache = re.findall(r"llama_kv_cache: size = +([\d.]+) MiB", text)[-1]
    return {
        name: float(size) * MIB for name, size in (("compute", compute), ("logits", logits), ("kv", cache))
    }


@pytest.mark.llama
@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
@pytest.mark.parametrize("context", [512, 16_384])
@pytest.mark.parametrize("model", [DENSE, MIXTURE, LATENT], ids=lambda model: model.architecture)
def test_buffers_are_as_llama_cpp_makes_them(
    tmp_path: Path, model: RandomModel, context: int, kv_type: KvType
) -> None:
    path = write_random_model(tmp_path / "m.gguf", model, hollow=True)
    load = LoadParams(context_length=context, kv_type=kv_type, threads=1)
    memory = measure(read_shape(path), load, free_bytes=4 * GIB)
    told = told_by_llama(path, load, memory.layout)
    assert memory.kv_cache == pytest.approx(told["kv"], abs=10_500)  # the log says hundredths of a MiB
    assert memory.compute.logits == pytest.approx(told["logits"], abs=10_500)
    assert memory.compute.graph == pytest.approx(told["compute"], rel=0.12)


def test_every_weight_is_counted_once(tmp_path: Path) -> None:
    header = read_header(write_random_model(tmp_path / "m.gguf", LATENT, hollow=True))
    shape = shape_of_header(header)
    assert shape.weight_bytes() == sum(tensor.size_bytes for tensor in header.tensors)
    assert shape.num_values == header.parameters
    drafting, plain = (measure(shape, LoadParams(draft_tokens=tokens), free_bytes=GIB) for tokens in (2, 0))
    assert plain.mtp == 0  # llama.cpp leaves the MTP head in the file where nobody drafts
    assert drafting.kept_in_files == shape.weight_bytes()
    assert drafting.total - plain.total == drafting.mtp + drafting.mtp_buffers
    assert 0 < drafting.mtp < drafting.mtp + drafting.mtp_buffers
    assert drafting.experts == shape.weight_bytes("expert")


def test_a_tied_embedding_costs_twice_where_products_want_another_layout(tmp_path: Path) -> None:
    sizes = {}
    for kind in (Kind.Q4_0, Kind.Q8_0):
        model = RandomModel(**{**_fields(DENSE), "tied": True, "kind": kind})
        shape = read_shape(write_random_model(tmp_path / "m.gguf", model, hollow=True))
        sizes[kind] = measure(shape, LoadParams(), free_bytes=GIB).weights - shape.weight_bytes()
        assert shape.tied_output_bytes == shape.weight_bytes("embedding")
    assert sizes[Kind.Q4_0] > 0
    assert sizes[Kind.Q8_0] == 0


def _fields(model: RandomModel) -> dict[str, object]:
    return {name: getattr(model, name) for name in RandomModel.__dataclass_fields__}


def shape_with(**numbers: int | tuple[int, ...]) -> ModelShape:
    return ModelShape(
        name="",
        format="gguf",
        architecture=str(numbers.pop("architecture", "")) or "llama",
        numbers={name.replace("__", "."): value for name, value in numbers.items()},
        weights=(),
        vocabulary_size=0,
    )


def test_layers_without_kv_heads_have_a_state_and_no_cache(tmp_path: Path) -> None:
    hybrid = shape_with(
        block_count=4,
        embedding_length=1024,
        attention__head_count=8,
        attention__head_count_kv=(0, 0, 0, 2),
        attention__key_length=128,
        attention__value_length=128,
        ssm__conv_kernel=4,
        ssm__inner_size=2048,
        ssm__state_size=128,
        ssm__group_count=1,
    )
    assert kv_bytes_per_token(hybrid, "f16") == 2 * 2 * 128 * 2
    assert layer_state_bytes(hybrid, 0) == 4 * (3 * (2048 + 2 * 128) + 128 * 2048)
    assert layer_state_bytes(hybrid, 3) == 0
    layout = kv_layout(hybrid, LoadParams(context_length=1024, sequences=2), GIB)
    assert (layout.slots, layout.is_shared) == (3, True)
    mamba = read_shape(write_tiny_mamba(tmp_path / "mamba.gguf"))
    assert has_state(mamba)
    assert kv_bytes_per_token(mamba, "f16") == 0


def test_an_old_deepseek_file_keeps_whole_keys_and_values() -> None:
    old = shape_with(
        block_count=1,
        attention__head_count=4,
        attention__head_count_kv=4,
        attention__kv_lora_rank=512,
        attention__key_length=192,
        attention__value_length=128,
        rope__dimension_count=64,
    )
    assert kv_bytes_per_token(old, "f16") == 4 * (192 + 128) * 2


def test_a_token_reads_its_share_of_the_experts_and_the_speed_goes_by_it(tmp_path: Path) -> None:
    shape = read_shape(write_random_model(tmp_path / "m.gguf", MIXTURE, hollow=True))
    found = forecast(shape, LoadParams(context_length=4096), [ram(8)], ram_bytes_per_s=20e9)
    read = active_bytes(shape, found.memory)
    assert read == found.memory.weights - found.memory.input + found.memory.experts // 8
    assert found.speed is not None
    assert found.speed.slowest_tps < found.speed.fastest_tps < 20e9 / read
    assert forecast(shape, LoadParams(), [ram(0.1)], ram_bytes_per_s=20e9).speed is None


def test_the_memory_s_speed_is_measured_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "bandwidth.json"
    first = kept_bandwidth(file, 1)
    assert first > 10**8
    assert kept_bandwidth(file, 1) == first
    file.write_bytes(b"{")
    assert kept_bandwidth(file, 1) > 10**8
    assert kept_bandwidth(file, 1) == kept_bandwidth(file, 1)

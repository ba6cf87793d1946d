"""Placements on simulated devices: what every plan keeps, and which one is taken.

Forty computers and models are drawn as a rule, two thousand with RETORT_FULL_TESTS=1.
"""

import os

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.hardware.fit import measure
from engine.hardware.fit_ledger import CPU, forecast
from engine.hardware.fit_placement import GPU_SPARE_BYTES, RAM, bytes_by_device, files_in_ram, place
from tests.support.simulated_devices import GIB, gpu, model, ram

NUM_DRAWN = 2000 if os.environ.get("RETORT_FULL_TESTS") else 40
_SIZES = st.integers(4, 96).map(lambda gib: gib * GIB)


shapes = st.builds(
    model,
    layers=st.integers(1, 80),
    dense_gib=st.floats(0.01, 1.5),
    expert_gib=st.one_of(st.just(0.0), st.floats(0.1, 6.0)),
    mtp_gib=st.one_of(st.just(0.0), st.floats(0.1, 2.0)),
)
loads = st.builds(
    LoadParams,
    context_length=st.sampled_from([512, 8192, 32_768, 131_072]),
    kv_type=st.sampled_from(["f16", "q8_0", "q4_0"]),
    draft_tokens=st.sampled_from([0, 1]),
    gpu_layers=st.sampled_from([-1, -1, 0, 3]),
)
computers = st.tuples(
    _SIZES, st.lists(_SIZES, max_size=4), st.booleans(), st.sampled_from([0, GIB // 2, 2 * GIB])
)


@settings(max_examples=NUM_DRAWN, deadline=None)
@given(shapes, loads, computers)
@example(model(layers=61, expert_gib=5.0), LoadParams(context_length=8192), (96 * GIB, [24 * GIB], False, 0))
def test_no_plan_exceeds_a_device_and_every_layer_has_one(
    shape: ModelShape, load: LoadParams, computer: tuple[int, list[int], bool, int]
) -> None:
    ram_bytes, gpu_sizes, is_unified, reserve_bytes = computer
    main = ram(ram_bytes / GIB)
    gpus = [
        gpu(min(size, ram_bytes) / GIB if is_unified else size / GIB, index, is_unified=is_unified)
        for index, size in enumerate(gpu_sizes[:1] if is_unified else gpu_sizes)
    ]
    memory = measure(shape, load, free_bytes=main.free_bytes)
    limit = None if load.gpu_layers < 0 else load.gpu_layers
    plan = place(memory, main, gpus, reserve_bytes=reserve_bytes, most_gpu_layers=limit)

    assert len(plan.layers) == len(plan.experts) == len(memory.layers)
    assert all(device in range(RAM, len(gpus)) for device in (*plan.layers, *plan.experts, plan.output))
    assert list(plan.layers) == sorted(plan.layers)  # one run per device: llama.cpp places no others
    if limit is not None:
        assert sum(device != RAM for device in plan.layers) <= limit
    needed = bytes_by_device(memory, plan)
    whole = memory.total + (memory.output_copy if plan.output != RAM else 0)
    assert sum(needed.values()) >= whole - memory.compute.total  # nothing was left out
    if plan.where == "too_large":
        return
    for device, size in needed.items():
        if device != RAM:
            assert size <= gpus[device].free_bytes - GPU_SPARE_BYTES
    in_ram = needed[RAM] + (
        sum(size for device, size in needed.items() if device != RAM) if is_unified else 0
    )
    may_stay_on_disk = files_in_ram(memory, plan) if plan.where == "disk" else 0
    assert in_ram - may_stay_on_disk <= main.free_bytes - reserve_bytes


@settings(max_examples=NUM_DRAWN // 2, deadline=None)
@given(shapes, loads, computers)
def test_the_ledger_has_every_byte_of_the_plan_and_the_loader_every_layer(
    shape: ModelShape, load: LoadParams, computer: tuple[int, list[int], bool, int]
) -> None:
    ram_bytes, gpu_sizes, _, reserve_bytes = computer
    gpus = [gpu(size / GIB, index) for index, size in enumerate(gpu_sizes)]
    found = forecast(shape, load, [ram(ram_bytes / GIB), *gpus], reserve_bytes=reserve_bytes)
    needed = bytes_by_device(found.memory, found.plan)
    for device, size in needed.items():
        name = CPU if device == RAM else gpus[device].name
        assert sum(line.predicted_bytes for line in found.lines if line.device == name) == size
    placement = found.load.placement
    if not gpus:
        assert placement is None
        return
    assert placement is not None
    if found.plan.output == RAM:
        assert placement.gpu_layers == 0
        return
    num_blocks = shape.number("block_count")
    assert sum(placement.gpu_shares) == placement.gpu_layers
    for layer, device in enumerate(found.plan.layers):  # as llama.cpp reads it (`load_tensors`)
        first = num_blocks + 1 - placement.gpu_layers
        assert device == (RAM if layer < first else _gpu_of(layer - first, placement.gpu_shares))
    in_ram = [n for n, experts in enumerate(found.plan.experts) if experts == RAM != found.plan.layers[n]]
    assert list(placement.expert_layers_in_ram) == in_ram


def _gpu_of(index: int, shares: tuple[float, ...]) -> int:
    """upper_bound over the shares' running sums."""
    reached = 0.0
    for number, share in enumerate(shares):
        reached += share
        if index < reached:
            return number
    raise AssertionError


def where(shape: ModelShape, ram_gib: float, *gpu_gib: float, context: int = 8192) -> str:
    devices = [ram(ram_gib), *(gpu(size, index) for index, size in enumerate(gpu_gib))]
    return forecast(shape, LoadParams(context_length=context), devices).plan.where


def test_the_fastest_placement_that_fits_is_taken() -> None:
    dense, mixture = model(), model(expert_gib=4.0)  # 4.5 and 36.5 GiB
    assert where(dense, 16) == "cpu"
    assert where(dense, 16, 12) == "gpu"
    assert where(dense, 16, 4) == "layers_split"
    assert where(mixture, 64, 48) == "gpu"
    assert where(mixture, 64, 16) == "experts_in_ram"
    assert where(mixture, 64, 4) in ("layers_split", "cpu")
    assert where(mixture, 16, 16) == "disk"
    assert where(mixture, 16) == "disk"
    assert where(dense, 4, context=131_072) == "too_large"


def test_as_few_experts_as_possible_stay_in_ram() -> None:
    shape = model(layers=8, expert_gib=4.0)
    found = forecast(shape, LoadParams(context_length=512), [ram(64), gpu(30)])
    in_ram = sum(device == RAM for device in found.plan.experts)
    assert 0 < in_ram < 8
    tighter = forecast(shape, LoadParams(context_length=512), [ram(64), gpu(24)])
    assert sum(device == RAM for device in tighter.plan.experts) > in_ram


def test_two_gpus_are_filled_evenly() -> None:
    found = forecast(model(layers=40), LoadParams(context_length=8192), [ram(64), gpu(24), gpu(12, 1)])
    assert found.plan.where == "gpu"
    large, small = (found.plan.layers.count(index) for index in (0, 1))
    assert 1.7 < large / small < 2.6


def test_what_a_unified_gpu_takes_the_ram_has_no_more() -> None:
    unified = [ram(6), gpu(6, is_unified=True)]
    assert forecast(model(), LoadParams(), unified).plan.where == "gpu"  # 4.5 GiB and its cache
    apart = forecast(model(layers=16), LoadParams(), [ram(6), gpu(6)])
    shared = forecast(model(layers=16), LoadParams(), unified)
    assert (apart.plan.where, shared.plan.where) == ("layers_split", "disk")

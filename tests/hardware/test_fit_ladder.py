"""What is offered, and tried, where a model has no room."""

from dataclasses import replace

from engine.contract.params import LoadParams
from engine.hardware.fit_ladder import next_try, steps
from engine.hardware.fit_ledger import forecast
from tests.support.simulated_devices import gpu, model, ram


def test_every_try_is_another_placement_and_the_last_one_has_no_gpu() -> None:
    shape, load, devices = model(expert_gib=2.0), LoadParams(context_length=8192), [ram(64), gpu(24)]
    tried = [forecast(shape, load, devices).load]
    while (found := next_try(shape, load, devices, tried)) is not None:
        assert found.load not in tried
        assert replace(found.load, placement=None) == load  # what the user asked for stays
        tried.append(found.load)
    assert 2 < len(tried) <= 4
    last = tried[-1].placement
    assert last is not None
    assert last.gpu_layers == 0


def test_steps_take_less_each_and_the_first_ones_hurt_least() -> None:
    shape, load, devices = model(), LoadParams(context_length=131_072), [ram(8.5)]
    found = forecast(shape, load, devices)
    assert found.plan.where == "disk"
    offered = steps(shape, found, devices)
    assert [step.change for step in offered][:1] == ["kv_q8_0"]
    assert all(step.predicted_bytes < found.memory.total for step in offered)
    assert any(step.where == "cpu" for step in offered)
    assert len({step.load for step in offered}) == len(offered)


def test_what_fits_needs_no_steps() -> None:
    shape, devices = model(), [ram(64)]
    assert steps(shape, forecast(shape, LoadParams(), devices), devices) == ()

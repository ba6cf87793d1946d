"""Where a model goes by its sizes alone."""

import pytest

from engine.contract.errors import ModelTooLarge
from engine.hardware.expert_placement import ModelBytes, place_model

MIXTURE = ModelBytes(experts=80, others=15, kv_cache=5)
DENSE = ModelBytes(experts=0, others=95, kv_cache=5)


@pytest.mark.parametrize(
    ("model", "gpu_free", "ram_free", "where"),
    [
        (MIXTURE, None, 100, "cpu"),
        (MIXTURE, 100, 0, "gpu"),
        (MIXTURE, 99, 80, "split"),
        (MIXTURE, 20, 80, "split"),
        (MIXTURE, 19, 100, "cpu"),
        (DENSE, 99, 100, "cpu"),
        (DENSE, 100, 100, "gpu"),
    ],
)
def test_the_fastest_placement_that_fits_is_taken(
    model: ModelBytes, gpu_free: int | None, ram_free: int, where: str
) -> None:
    placement = place_model(model, ram_free=ram_free, gpu_free=gpu_free)
    assert placement.where == where
    assert placement.reason


@pytest.mark.parametrize(
    ("model", "gpu_free", "ram_free"),
    [(MIXTURE, None, 99), (MIXTURE, 19, 99), (MIXTURE, 50, 79), (DENSE, 99, 99)],
)
def test_what_fits_nowhere_is_refused_with_both_sizes(
    model: ModelBytes, gpu_free: int | None, ram_free: int
) -> None:
    with pytest.raises(ModelTooLarge, match="GiB free"):
        place_model(model, ram_free=ram_free, gpu_free=gpu_free)

"""The largest stock type within a size."""

import contextlib

import pytest

from engine.contract.errors import InvalidRequest
from engine.quantization.file_types import FILE_TYPES
from engine.quantization.quantize import QuantizationPlan, plan
from engine.quantization.recipe import Recipe
from engine.quantization.stock import largest_that_fits
from tests.support.builtin_models import BUILTIN_Q8_0

pytestmark = pytest.mark.llama


@pytest.fixture(scope="module")
def plans() -> dict[str, QuantizationPlan]:
    """What every type that the rows take would give."""
    found = {}
    for base in FILE_TYPES:
        with contextlib.suppress(InvalidRequest):
            found[base] = plan(BUILTIN_Q8_0, Recipe(base=base))
    return found


@pytest.mark.parametrize("budget_bytes", [3_500_000, 4_700_000, 10**9])
@pytest.mark.parametrize("has_importance", [True, False])
def test_nothing_larger_would_fit(
    budget_bytes: int, has_importance: bool, plans: dict[str, QuantizationPlan]
) -> None:
    source = BUILTIN_Q8_0
    chosen = plans[largest_that_fits(source, budget_bytes, has_importance=has_importance).base]
    limit = min(budget_bytes, source.stat().st_size)
    assert chosen.size_bytes <= limit
    assert has_importance or not chosen.needs_importance
    for other in plans.values():
        if other.size_bytes <= limit and (has_importance or not other.needs_importance):
            assert other.size_bytes <= chosen.size_bytes


def test_a_size_that_nothing_fits_is_refused_with_the_least() -> None:
    with pytest.raises(InvalidRequest, match="the smallest type takes"):
        largest_that_fits(BUILTIN_Q8_0, 1000, has_importance=True)

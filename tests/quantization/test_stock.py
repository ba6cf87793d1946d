"""The largest stock type within a size."""

import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.paths import builtin_model
from engine.quantization.file_types import FILE_TYPES
from engine.quantization.quantize import plan
from engine.quantization.recipe import Recipe
from engine.quantization.stock import largest_that_fits

pytestmark = pytest.mark.llama


@pytest.mark.parametrize("budget_bytes", [2_900_000, 3_500_000, 4_700_000, 6_000_000, 10**9])
@pytest.mark.parametrize("has_importance", [True, False])
def test_nothing_larger_would_fit(budget_bytes: int, has_importance: bool) -> None:
    source = builtin_model()
    chosen = plan(source, largest_that_fits(source, budget_bytes, has_importance=has_importance))
    limit = min(budget_bytes, source.stat().st_size)
    assert chosen.size_bytes <= limit
    assert has_importance or not chosen.needs_importance
    for base in FILE_TYPES:
        try:
            other = plan(source, Recipe(base=base))
        except InvalidRequest:  # the rows do not take it
            continue
        if other.size_bytes <= limit and (has_importance or not other.needs_importance):
            assert other.size_bytes <= chosen.size_bytes


def test_a_size_that_nothing_fits_is_refused_with_the_least() -> None:
    with pytest.raises(InvalidRequest, match="the smallest type takes"):
        largest_that_fits(builtin_model(), 1000, has_importance=True)

"""The largest of llama.cpp's own mixtures within a number of bytes: known from dry runs, nothing measured."""

from pathlib import Path

from engine.contract.errors import InvalidRequest
from engine.library.gguf import read_header
from engine.quantization.file_types import FILE_TYPES
from engine.quantization.quantize import QuantizationPlan, plan
from engine.quantization.recipe import Recipe


def largest_that_fits(source: Path, budget_bytes: int, *, has_importance: bool) -> Recipe:
    """The mixture whose file is the largest of those within the budget and not larger than the source.

    Types that need an importance matrix count only where there is one. Raises InvalidRequest where even the
    smallest takes more, ModelError for a source that cannot be read.
    """
    limit = min(budget_bytes, read_header(source).size_bytes)
    planned = {base: each for base in FILE_TYPES if (each := _plan(source, base)) is not None}
    usable = {base: each for base, each in planned.items() if has_importance or not each.needs_importance}
    fitting = {base: each.size_bytes for base, each in usable.items() if each.size_bytes <= limit}
    if not fitting:
        least = min(each.size_bytes for each in usable.values())
        raise InvalidRequest(f"{budget_bytes:,} bytes are too few: the smallest type takes {least:,}")
    base = max(fitting, key=lambda name: fitting[name])  # the first of the table among equals
    return Recipe(base=base, name=base)


def _plan(source: Path, base: str) -> QuantizationPlan | None:
    """What a type would give; None where the model's rows do not take it."""
    try:
        return plan(source, Recipe(base=base))
    except InvalidRequest:
        return None

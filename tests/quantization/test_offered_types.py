"""The types that the window offers are those that the engine has."""

from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.quantization_types import QUANTIZATION_TYPES, block_length
from engine.library.gguf_types import TENSOR_TYPES
from engine.quantization.file_types import FILE_TYPES, bits_per_weight, tensor_type
from engine.quantization.quantize import plan
from engine.quantization.recipe import Recipe

pytestmark = pytest.mark.llama


def test_every_type_is_offered_once_with_its_bits() -> None:
    assert sorted(offered.name for offered in QUANTIZATION_TYPES) == sorted(FILE_TYPES)
    for offered in QUANTIZATION_TYPES:
        assert offered.bits_per_weight == bits_per_weight(tensor_type(FILE_TYPES[offered.name].main))


def test_the_blocks_of_every_tensor_type_are_known() -> None:
    assert {kind.name: block_length(kind.name) for kind in TENSOR_TYPES.values()} == {
        kind.name: kind.block_values for kind in TENSOR_TYPES.values()
    }


def test_who_needs_an_importance_matrix_is_announced_as_llama_cpp_has_it(builtin: Path) -> None:
    for offered in QUANTIZATION_TYPES:
        try:
            needs_importance = plan(builtin, Recipe(base=offered.name)).needs_importance
        except InvalidRequest:  # the rows of this model do not take the type
            continue
        assert offered.needs_importance or not needs_importance, offered

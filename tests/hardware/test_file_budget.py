"""What this machine leaves to a model's file beside its context."""

import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.paths import builtin_model
from engine.hardware.file_budget import file_budget
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.library.model_shape import read_shape

GIB = 2**30


def test_a_longer_context_leaves_less_by_what_its_cache_takes() -> None:
    short, long = (file_budget(builtin_model(), length, 8 * GIB) for length in (1024, 5120))
    assert short - long >= 4096 * kv_bytes_per_token(read_shape(builtin_model()), "f16")
    assert long < 8 * GIB


def test_what_has_no_room_is_said_in_words() -> None:
    with pytest.raises(InvalidRequest, match="a context of 4,096 tokens takes"):
        file_budget(builtin_model(), 4096, 2**20)


def test_the_budget_follows_the_memory() -> None:
    small, large = (file_budget(builtin_model(), 1024, free) for free in (2 * GIB, 3 * GIB))
    assert large - small == GIB

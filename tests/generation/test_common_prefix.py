from hypothesis import given
from hypothesis import strategies as st

from engine.generation.common_prefix import common_prefix_length


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)))
def test_the_common_prefix_is_the_longest_one(shared: list[int], first: list[int], second: list[int]) -> None:
    first, second = shared + first, shared + second
    length = common_prefix_length(first, second)
    assert first[:length] == second[:length]
    assert length == min(len(first), len(second)) or first[length] != second[length]


def test_texts_have_common_prefixes_too() -> None:
    assert common_prefix_length("the same, then this", "the same, then that") == len("the same, then th")

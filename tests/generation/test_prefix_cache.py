from hypothesis import given
from hypothesis import strategies as st

from engine.backends.fake import FakeBackend
from engine.contract.params import LoadParams
from engine.generation.prefix_cache import PrefixCache, common_prefix_length


def filled(text: str) -> tuple[PrefixCache, FakeBackend]:
    backend = FakeBackend("fake", LoadParams(), lambda _: None, lambda: False)
    token_ids = backend.tokenize(text, add_special=False)
    backend.decode(token_ids, 0, lambda: False)
    cache = PrefixCache()
    cache.store(token_ids)
    return cache, backend


def test_a_second_turn_keeps_the_first() -> None:
    cache, backend = filled("first turn, ")
    assert cache.reuse(backend, list(b"first turn, second turn")) == len("first turn, ")
    assert bytes(backend.cached_token_ids) == b"first turn, "


def test_what_differs_is_forgotten() -> None:
    cache, backend = filled("the same, then this")
    assert cache.reuse(backend, list(b"the same, then that")) == len("the same, then th")
    assert bytes(backend.cached_token_ids) == b"the same, then th"


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    cache, backend = filled("again")
    assert cache.reuse(backend, list(b"again")) == len("agai")


class Recurrent(FakeBackend):
    """Forgets everything or nothing, like a model with recurrent layers."""

    def truncate(self, length: int) -> bool:
        super().truncate(0)
        return False


def test_a_backend_that_cannot_forget_a_part_starts_over() -> None:
    cache, _ = filled("recurrent")
    backend = Recurrent("fake", LoadParams(), lambda _: None, lambda: False)
    assert cache.reuse(backend, list(b"recurrent models")) == 0


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_the_common_prefix_is_the_longest_one(first: list[int], second: list[int]) -> None:
    length = common_prefix_length(first, second)
    assert first[:length] == second[:length]
    assert length == min(len(first), len(second)) or first[length] != second[length]

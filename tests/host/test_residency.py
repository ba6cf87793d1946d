import pytest

from engine.contract.errors import ModelTooLarge
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings
from engine.host.residency import Resident, make_room, overdue
from engine.host.worker_slot import ModelKey

GIB = 2**30
TWO = EngineSettings(models_at_once=2, memory_reserve_mib=1024, keep_loaded_minutes=10)
MANY = EngineSettings(models_at_once=9, memory_reserve_mib=1024)
NEW = ModelKey("new", LoadParams())


def resident(name: str, idle_since: float | None, needed_gib: int = 0, private_gib: int = 0) -> Resident:
    return Resident(
        key=ModelKey(name, LoadParams()),
        needed_bytes=needed_gib * GIB,
        private_bytes=private_gib * GIB,
        idle_since=idle_since,
    )


def leaving(residents: list[Resident], needed_gib: int, available_gib: int, settings: EngineSettings) -> str:
    keys = make_room(residents, NEW, needed_gib * GIB, available_gib * GIB, settings)
    return "".join(key.model for key in keys)


def test_nothing_leaves_while_there_is_room() -> None:
    assert leaving([], 4, 8, TWO) == ""
    assert leaving([resident("a", 1.0)], 4, 8, TWO) == ""


def test_the_model_that_was_idle_for_longest_leaves_first() -> None:
    three = [resident("a", 3.0), resident("b", 1.0), resident("c", 2.0)]
    assert leaving(three[:2], 0, 8, TWO) == "b"
    assert leaving(three, 0, 8, TWO) == "bc"


def test_models_leave_until_the_new_one_fits_and_no_further() -> None:
    three = [resident("a", 1.0, 3, 3), resident("b", 2.0, 3, 3), resident("c", 3.0, 3, 3)]
    assert leaving(three, 5, 2, MANY) == "ab"


def test_weights_that_are_mapped_but_count_as_available_are_not_given_away_twice() -> None:
    mapped = resident("a", None, needed_gib=4, private_gib=1)  # 3 GiB that the system calls available
    assert leaving([mapped], 4, 8, MANY) == ""
    with pytest.raises(ModelTooLarge):
        leaving([mapped], 5, 8, MANY)


def test_a_model_in_use_never_leaves_even_where_there_are_too_many() -> None:
    busy = [resident("a", None, 2, 2), resident("b", None, 2, 2)]
    assert leaving(busy, 1, 8, TWO) == ""
    with pytest.raises(ModelTooLarge) as raised:
        leaving(busy, 9, 8, TWO)
    assert raised.value.details == {"needed_bytes": 9 * GIB, "free_bytes": 7 * GIB}


def test_nothing_is_refused_without_a_reserve() -> None:
    careless = EngineSettings(memory_reserve_mib=0)
    assert leaving([resident("a", 1.0, 2, 2)], 99, 8, careless) == "a"


def test_the_same_model_loaded_another_way_leaves_in_any_case() -> None:
    other_way = Resident(
        key=ModelKey("new", LoadParams(threads=2)), needed_bytes=0, private_bytes=0, idle_since=5.0
    )
    assert leaving([resident("a", 1.0), other_way], 1, 8, MANY) == "new"


def test_a_model_is_overdue_after_its_minutes_or_where_there_are_too_many() -> None:
    residents = [resident("a", 100.0), resident("b", 800.0), resident("c", None)]
    two_only = [resident("a", 100.0), resident("c", None)]
    assert overdue(residents, 999.0, MANY) == []
    assert [key.model for key in overdue(residents, 1010.0, MANY)] == ["a"]
    assert [key.model for key in overdue(residents, 900.0, TWO)] == ["a"]
    assert overdue(two_only, 690.0, TWO) == []
    assert overdue(two_only, 10**9, EngineSettings(keep_loaded_minutes=0)) == []

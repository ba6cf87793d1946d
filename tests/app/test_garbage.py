"""Looks through all objects wait for a pass of the event loop of their own."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from app.garbage import MANY, GarbageCollection


class Ring:
    """An object that only a look through all objects frees, once it is old."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage(qapp: object) -> Iterator[GarbageCollection]:
    collection = GarbageCollection()
    collection.start()
    collection._look()
    yield collection
    collection.end()


def make_old_garbage() -> "weakref.ref[Ring]":
    ring = Ring()
    seen = weakref.ref(ring)
    gc.collect(1)  # twice survived: of the oldest generation
    gc.collect(1)
    del ring
    return seen


def test_python_does_not_look_through_all_objects_by_itself(garbage: GarbageCollection) -> None:
    looks: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            looks.append(info["generation"])

    gc.callbacks.append(note)
    try:
        kept = [[number] for number in range(400_000)]
    finally:
        gc.callbacks.remove(note)
    assert len(kept) == 400_000
    assert 1 in looks and 2 not in looks


def test_old_garbage_goes_when_enough_has_come_together(garbage: GarbageCollection) -> None:
    seen = make_old_garbage()
    garbage._look()
    assert seen() is not None
    while gc.get_count()[2] < MANY:
        gc.collect(1)
    garbage._look()
    assert seen() is None


def test_what_was_there_at_the_start_is_left_out_until_the_end() -> None:
    thresholds = gc.get_threshold()
    collection = GarbageCollection()
    collection.start()
    assert gc.get_freeze_count() == 0
    collection._look()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() != thresholds
    collection.end()
    collection.end()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == thresholds

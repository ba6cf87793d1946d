"""Slots that are computed together end up side by side, whatever lies between them, and nobody notices."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.backends.llama.backend import LlamaBackend
from engine.backends.llama.slots import PATIENCE, next_exchange
from engine.contract.params import LoadParams
from engine.generation.backend import Entry
from engine.generation.sequence import never
from tests.support.tiny_recurrent import write_tiny_jamba, write_tiny_mamba

pytestmark = pytest.mark.llama
PROMPTS = {slot: [10 + slot, *range(20, 40 + 3 * slot)] for slot in range(8)}
LATER = list(range(60, 60 + PATIENCE + 8))  # tokens that follow, one per call


def load(path: Path) -> LlamaBackend:
    params = LoadParams(threads=1, sequences=7, context_length=256)
    return LlamaBackend(path, params, lambda _: None, lambda: False)


@pytest.fixture(params=["separate", "recurrent", "hybrid"])
def backend(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Iterator[LlamaBackend]:
    writers = {"recurrent": write_tiny_mamba, "hybrid": write_tiny_jamba}
    write = writers.get(request.param)
    path = write(tmp_path / "recurrent.gguf") if write else tiny_model
    loaded = load(path)
    yield loaded
    loaded.close()


def expected_logits(backend: LlamaBackend, slot: int) -> list[np.ndarray]:
    """After the prompt of a slot and after each later token, computed alone."""
    prompt = PROMPTS[slot]
    found = [backend.logits(backend.decode([Entry(0, 0, prompt)], never)[0]).copy()]
    for number, token in enumerate(LATER):
        (row,) = backend.decode([Entry(0, len(prompt) + number, [token])], never)
        found.append(backend.logits(row).copy())
    backend.truncate(0, 0)
    return found


@pytest.mark.parametrize("running", [(0, 2, 7), (5, 1), (6, 4, 2, 0)], ids=str)
def test_answers_in_scattered_slots_are_as_if_each_ran_alone(
    backend: LlamaBackend, running: tuple[int, ...]
) -> None:
    expected = {slot: expected_logits(backend, slot) for slot in PROMPTS}
    for slot, prompt in PROMPTS.items():
        (row,) = backend.decode([Entry(slot, 0, prompt)], never)
        assert np.allclose(backend.logits(row), expected[slot][0], atol=0.02)
    for number, token in enumerate(LATER):
        entries = [Entry(slot, len(PROMPTS[slot]) + number, [token]) for slot in running]
        for slot, row in zip(running, backend.decode(entries, never), strict=True):
            assert np.allclose(backend.logits(row), expected[slot][number + 1], atol=0.02)
    if not backend._slots.wants_neighbours:
        return
    places = sorted(backend._slots.sequences[slot] for slot in running)
    assert places == list(range(places[0], places[0] + len(running)))
    for slot in set(PROMPTS) - set(running):  # those that were moved out of the way
        (row,) = backend.decode([Entry(slot, len(PROMPTS[slot]), LATER[:1])], never)
        assert np.allclose(backend.logits(row), expected[slot][1], atol=0.02)


def test_a_state_saved_before_a_move_fits_after_it_and_a_copy_holds_what_its_source_held(
    backend: LlamaBackend,
) -> None:
    expected = expected_logits(backend, 3)
    backend.decode([Entry(3, 0, PROMPTS[3])], never)
    backend.decode([Entry(0, 0, PROMPTS[0])], never)
    backend.copy(3, 5, len(PROMPTS[3]))
    assert backend.truncate(3, 0)  # before the next call: llama.cpp's own copy would come too late
    state = backend.save_state(5)
    assert backend.restore_state(3, state)
    for number, token in enumerate(LATER):
        position = len(PROMPTS[3]) + number
        _, row = backend.decode(
            [Entry(0, len(PROMPTS[0]) + number, [token]), Entry(5, position, [token])], never
        )
        assert np.allclose(backend.logits(row), expected[number + 1], atol=0.02)
    backend.truncate(5, 0)
    assert backend.restore_state(5, state)
    for slot in (3, 5):
        (row,) = backend.decode([Entry(slot, len(PROMPTS[3]), LATER[:1])], never)
        assert np.allclose(backend.logits(row), expected[1], atol=0.02)


def test_any_slots_are_side_by_side_after_as_many_exchanges_as_lie_outside() -> None:
    draw = random.Random(1)
    for _ in range(200):
        size = draw.randint(2, 40)
        running = sorted(draw.sample(range(size), draw.randint(2, size)))
        width = len(running)
        inside = max(
            sum(start <= place < start + width for place in running) for start in range(size - width + 1)
        )
        for _ in range(width - inside):
            assert running[-1] - running[0] >= width
            source, target = next_exchange(running, size)
            assert (source in running, target in running) == (True, False)
            running = sorted({*running, target} - {source})
        assert running == list(range(running[0], running[0] + width))

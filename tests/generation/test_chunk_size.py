import pytest

from engine.generation.chunk_size import (
    FIRST_CHUNK,
    GOAL_S,
    LATEST_S,
    REMEMBERED,
    SLOW_STEP_S,
    ChunkSize,
    chunk_goal_s,
)


def after(num_tokens: int, elapsed_s: float, batch_size: int = 512) -> ChunkSize:
    chunk = ChunkSize(batch_size)
    chunk.note(num_tokens, elapsed_s)
    return chunk


def test_a_chunk_grows_to_the_goal_and_shrinks_below_it() -> None:
    assert after(64, 0.001).tokens(0) == 128  # never more than double
    assert after(64, GOAL_S * 4).tokens(0) == 16
    assert after(64, 100.0).tokens(0) == 1
    assert after(512, 0.001).tokens(0) == 512
    assert after(2, 0.001, batch_size=4).tokens(0) == 4


def test_a_step_of_running_answers_takes_its_time_from_the_chunk_but_not_all() -> None:
    chunk = after(100, GOAL_S)
    assert chunk.tokens(GOAL_S / 4) == 75
    assert chunk.tokens(0.135) == int(100 * (LATEST_S - 0.135) / GOAL_S)
    assert chunk.tokens(0.3) == int(100 * 1.25 * 0.3 / GOAL_S)


def test_a_step_and_a_chunk_keep_the_promise_wherever_two_steps_would() -> None:
    for thousandth in range(300):
        step_s = thousandth / 1000
        goal_s = chunk_goal_s(step_s)
        assert goal_s >= step_s  # every call reads all weights
        assert step_s + goal_s <= (LATEST_S if 2 * step_s <= LATEST_S else 2.25 * step_s) + 1e-9


def test_a_chunk_of_one_token_grows_however_much_of_a_call_is_the_weights() -> None:
    for step_s in (0.05, 0.07, 0.1, 0.12, 0.2, 1.0):
        chunk = ChunkSize(512)
        for _ in range(60):
            size = chunk.tokens(step_s)
            chunk.note(size, step_s * (0.99 + 0.01 * size))
        assert step_s * (0.99 + 0.01 * size) == pytest.approx(chunk_goal_s(step_s), rel=0.1)


def test_the_first_chunk_is_small_where_steps_are_slow() -> None:
    assert ChunkSize(512).tokens(0) == FIRST_CHUNK
    assert ChunkSize(512).tokens(SLOW_STEP_S) == FIRST_CHUNK
    assert ChunkSize(512).tokens(0.06) == 2  # (0.2 - 0.06) / 0.06
    assert ChunkSize(512).tokens(1.0) == 1


def test_a_small_chunk_grows_with_every_call_that_was_all_of_it() -> None:
    chunk, sizes = ChunkSize(512), list[int]()
    for _ in range(8):
        sizes.append(chunk.tokens(0.07))
        chunk.note(sizes[-1], 0.06 + 0.01 * sizes[-1])
    assert sizes == sorted(sizes)
    assert sizes[-1] == 7  # of the 7 that take what is left


def test_the_slowest_of_the_last_calls_counts_unless_it_was_shorter() -> None:
    chunk = after(40, 0.15)
    chunk.note(40, 0.25)
    chunk.note(40, 0.15)
    assert chunk.tokens(0) == 32
    for _ in range(REMEMBERED):
        chunk.note(40, 0.2)
    assert chunk.tokens(0) == 40
    chunk.note(80, 0.2)
    assert chunk.tokens(0) == 80


def test_by_a_long_call_far_fewer_tokens_take_a_step_for_the_first() -> None:
    assert after(92, 1.45).tokens(0.1) == 2  # not 7, each of which would take as long


def test_where_one_token_more_costs_another_pass_it_is_seldom_tried() -> None:
    chunk, sizes = ChunkSize(512), list[int]()
    for _ in range(100):
        sizes.append(chunk.tokens(0.1))
        chunk.note(sizes[-1], 0.1 + 0.004 * sizes[-1] + 0.1 * ((sizes[-1] - 1) // 4))
    assert sum(size > 4 for size in sizes) <= 4
    assert sum(size == 4 for size in sizes) > 70


def test_short_prompts_that_were_fast_leave_the_first_chunk_as_it_is() -> None:
    chunk = ChunkSize(512)
    for length in (1, 5, 12, 20, 40):
        chunk.note(length, 0.02)
        assert chunk.tokens(0.03) >= FIRST_CHUNK


def test_a_call_that_was_broken_off_bounds_the_first_chunk() -> None:
    chunk = ChunkSize(512)
    chunk.note_unfinished(512, 0.1)
    assert chunk.tokens(0) == FIRST_CHUNK
    chunk.note_unfinished(512, 10.0)
    assert chunk.tokens(0) == int(512 * GOAL_S / 10)


def test_a_short_call_that_was_fast_says_nothing_one_that_was_slow_does() -> None:
    chunk = after(512, GOAL_S)
    chunk.note(20, 0.01)
    assert chunk.tokens(0) == 512
    chunk.note(20, 10 * GOAL_S)
    assert chunk.tokens(0) == 2

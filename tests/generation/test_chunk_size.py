from engine.generation.chunk_size import CHUNK_GOAL_S, FIRST_CHUNK, ChunkSize, next_chunk_size


def test_a_chunk_grows_to_the_goal_and_shrinks_below_it() -> None:
    assert next_chunk_size(64, 0.001, 512) == 128  # never more than double
    assert next_chunk_size(64, CHUNK_GOAL_S * 4, 512) == 16
    assert next_chunk_size(64, 100.0, 512) == 8
    assert next_chunk_size(512, 0.001, 512) == 512
    assert next_chunk_size(2, 0.001, 4) == 4


def test_a_short_call_that_was_fast_says_nothing() -> None:
    chunk = ChunkSize(512)
    chunk.note(20, 0.01)
    assert chunk.tokens == FIRST_CHUNK
    chunk.note(20, 10 * CHUNK_GOAL_S)
    assert chunk.tokens == 8

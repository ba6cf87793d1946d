"""A notice about speed says what happened and what is different."""

from app.speed_words import speed_words
from engine.cli.speed_words import speed_words as words_of_the_command_line
from engine.contract.tuning_messages import SpeedChange, SpeedNotice

CHANGE = SpeedChange(what="engine", before="llama 1", now="llama 2")


def test_both_say_the_speeds_and_what_changed() -> None:
    slow = SpeedNotice(
        request_id="", model="m", left_gpu=False, good_tps=50.0, decode_tps=12.5, changes=(CHANGE,)
    )
    for said in (speed_words(slow), words_of_the_command_line(slow)):
        assert all(word in said for word in ("12.5", "50", "llama 1", "llama 2"))


def test_a_model_that_left_its_gpu_is_said_to_run_on_the_processor() -> None:
    left = SpeedNotice(request_id="", model="m", left_gpu=True, good_tps=50.0)
    assert "instead of the graphics card" in speed_words(left)
    assert "instead of the GPU" in words_of_the_command_line(left)

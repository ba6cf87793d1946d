"""The counts of experts as they are kept with an answer."""

import random

import pytest

from app.conversations.expert_use import MAX_CELLS, ExpertUse, add_written, read_expert_use, sum_expert_use
from app.conversations.message import AnswerStats
from app.engine_link.answer_figures import AnswerFigures
from engine.contract.messages import FinishedEvent, Usage

USE = ExpertUse(((0, 0, 0, 0), (5, 0, 3, 2), (1, 1, 1, 7)))


def test_counts_survive_being_written() -> None:
    drawn = random.Random(1)
    use = ExpertUse(tuple(tuple(drawn.randrange(2**31) for _ in range(64)) for _ in range(27)))
    assert read_expert_use(use.written()) == use
    assert read_expert_use(USE.written()) == USE


def test_a_large_model_s_counts_take_little_room_and_too_large_ones_none() -> None:
    drawn = random.Random(1)
    large = ExpertUse(tuple(tuple(drawn.randrange(200) for _ in range(256)) for _ in range(61)))
    assert len(large.written()) < 30_000
    assert ExpertUse(((1,) * (MAX_CELLS + 1),)).written() == ""
    assert ExpertUse(((0, 0),)).written() == ""


@pytest.mark.parametrize(
    "text",
    ["", "2x2:", "2x2:####", "99999x99999:" + "A" * 8, USE.written().replace("3x4", "3x5"), "0x0:AAAA"],
)
def test_what_makes_no_sense_is_nothing(text: str) -> None:
    assert read_expert_use(text) is None


def test_a_sum_takes_what_has_the_shape_of_the_last() -> None:
    other = ExpertUse(((9, 9),))
    total = sum_expert_use([USE, other, USE])
    assert total is not None
    assert total.counts[1] == (10, 0, 6, 4)
    assert sum_expert_use([]) is None


def test_shares_and_the_hottest_experts() -> None:
    assert USE.layers == [1, 2]
    assert USE.shares(1) == [0.5, 0, 0.3, 0.2]
    assert USE.hottest(0.25) == (5 + 7) / 20


def test_an_answer_that_went_on_keeps_both_parts() -> None:
    event = FinishedEvent(request_id="r", reason="stop", usage=Usage(expert_counts=USE.counts))
    once = AnswerFigures(AnswerStats()).at_end(event)
    twice = AnswerFigures(once).at_end(event)
    assert read_expert_use(twice.expert_use) == sum_expert_use([USE, USE])
    uncounted = AnswerFigures(twice).at_end(FinishedEvent(request_id="r", reason="stop"))
    assert uncounted.expert_use == twice.expert_use
    assert add_written("", ()) == ""

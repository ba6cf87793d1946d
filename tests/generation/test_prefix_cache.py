"""What is computed once is not computed again, whoever else comes and goes."""

import pytest

from engine.backends.fake import FakeBackend
from engine.contract.params import LoadParams
from engine.generation.held import KEPT_CHECKPOINTS
from engine.generation.prefix_cache import KEPT_BRANCH
from engine.generation.scheduler import Scheduler
from engine.generation.sequence import Sequence
from tests.support.generation import new_scheduler, new_sequence, run


class Conversations:
    """A backend and its scheduler, and turns of conversations on them."""

    def __init__(
        self,
        model: str = "fake:tokens=4,text=abcd",
        *,
        sequences: int = 4,
        parking_bytes: int = 2**20,
        context_length: int = 4096,
    ) -> None:
        params = LoadParams(sequences=sequences, context_length=context_length)
        self.backend = FakeBackend(model, params, lambda _: None, lambda: False)
        self.scheduler: Scheduler = new_scheduler(self.backend, parking_bytes=parking_bytes)

    def turn(self, conversation_id: str, prompt: str) -> Sequence:
        """Ask and wait for the answer."""
        sequence = new_sequence(self.backend, prompt, conversation_id=conversation_id)
        run(self.scheduler, sequence)
        assert self.backend.held(sequence.slot) == sequence.cached_token_ids
        return sequence

    def reused(self, conversation_id: str, prompt: str) -> int:
        return self.turn(conversation_id, prompt).reused_length


def test_a_second_turn_computes_only_what_is_new() -> None:
    all_of = Conversations()
    all_of.turn("a", "first turn, ")
    assert all_of.reused("a", "first turn, abcdsecond turn") == len("first turn, abcd")


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    all_of = Conversations()
    all_of.turn("a", "again")
    assert all_of.reused("a", "again") == len("agai")


def test_side_requests_evict_nobody() -> None:
    all_of = Conversations(sequences=2)
    prompts = {letter: letter * 200 for letter in "abcdef"}
    for conversation_id, prompt in prompts.items():
        all_of.turn(conversation_id, prompt)
        for number in range(4):
            all_of.turn("", f"a title for {conversation_id}, try {number}")
    for conversation_id, prompt in prompts.items():
        assert all_of.reused(conversation_id, prompt + "abcd and on") == 204


def test_a_side_request_about_a_conversation_uses_its_prefix_and_leaves_it_alone() -> None:
    all_of = Conversations()
    talk = "a long conversation " * 20
    all_of.turn("a", talk)
    assert all_of.reused("", talk + "Make a title.") == len(talk)
    assert all_of.reused("a", talk + "abcd and on") == len(talk) + 4


def test_conversations_that_share_a_beginning_share_its_computation() -> None:
    all_of = Conversations()
    system = "You are a retort. " * 20
    all_of.turn("a", system + "Hello from a")
    assert all_of.reused("b", system + "And from b") == len(system)
    assert all_of.reused("a", system + "Hello from aabcd and on") == len(system + "Hello from aabcd")


def test_a_branch_that_is_left_can_be_returned_to() -> None:
    all_of = Conversations()
    root = "the question, "
    first, second = root + "x" * 2 * KEPT_BRANCH, root + "y" * 2 * KEPT_BRANCH
    all_of.turn("a", first)
    assert all_of.reused("a", second) == len(root)
    assert all_of.reused("a", first + "abcd on the first branch") == len(first) + 4
    assert all_of.reused("a", second + "abcd on the second") == len(second) + 4


def test_the_prompt_of_a_running_answer_is_used_by_others() -> None:
    all_of = Conversations("fake:tokens=40")
    prompt = "the same for both of them"
    first, second = (new_sequence(all_of.backend, prompt, conversation_id=c) for c in "ab")
    all_of.scheduler.add(first)
    all_of.scheduler.step()
    run(all_of.scheduler, second)
    assert second.reused_length == len(prompt) - 1
    assert first.generated_length == second.generated_length == 41


def test_more_conversations_than_slots_are_parked_and_come_back() -> None:
    all_of = Conversations(sequences=1)
    letters = "abcdefghijkl"
    for letter in letters:
        all_of.turn(letter, letter * 100)
    assert len(letters) > all_of.backend.num_slots
    for letter in letters:
        assert all_of.reused(letter, letter * 100 + "abcd on") == 104


def test_what_is_parked_stays_within_its_budget_and_the_oldest_leaves() -> None:
    all_of = Conversations(sequences=1, parking_bytes=1000)  # two of the states below
    letters = "abcdefgh"
    for letter in letters:
        all_of.turn(letter, letter * 100)
    reused = [all_of.reused(letter, letter * 100) for letter in reversed(letters)]
    assert reused == [99] * 7 + [0]


def test_without_a_budget_nothing_is_parked() -> None:
    all_of = Conversations(sequences=1, parking_bytes=0)
    for letter in "abcdef":
        all_of.turn(letter, letter * 100)
    assert all_of.reused("a", "a" * 100) == 0


RECURRENT = "fake:tokens=4,text=abcd,recurrent=true"


def test_recurrent_models_go_on_from_the_end_of_the_last_turn() -> None:
    all_of = Conversations(RECURRENT)
    all_of.turn("a", "first turn, ")
    assert all_of.reused("a", "first turn, abcdsecond turn") == len("first turn, abcd")


def test_recurrent_models_answer_a_question_anew_from_a_checkpoint() -> None:
    all_of = Conversations(RECURRENT)
    all_of.turn("a", "first turn, ")
    assert all_of.reused("a", "first turn, ") == len("first turn, ") - 1


def test_recurrent_models_go_back_to_the_turn_before_one_that_was_edited() -> None:
    all_of = Conversations(RECURRENT)
    first, second = "the first of all turns, ", "the first of all turns, abcd, second turn, "
    all_of.turn("a", first)
    all_of.turn("a", second)
    assert all_of.reused("a", first + "abcd, another second turn, ") == len(first) + 4  # after its answer
    assert all_of.reused("b", first + "of another conversation") == len(first) - 1


def test_recurrent_models_that_know_nothing_that_fits_begin_anew() -> None:
    all_of = Conversations(RECURRENT)
    all_of.turn("a", "first turn, ")
    assert all_of.reused("a", "quite another") == 0


def test_recurrent_conversations_are_parked_with_their_checkpoints() -> None:
    all_of = Conversations(RECURRENT, sequences=1)
    letters = "abcdefgh"
    for letter in letters:
        all_of.turn(letter, letter * 100)
    for letter in letters:
        assert all_of.reused(letter, letter * 100) == 99


def test_a_cancelled_prefill_of_a_recurrent_model_leaves_nothing_half_computed() -> None:
    all_of = Conversations(RECURRENT)
    all_of.turn("a", "first turn, ")
    looks = iter([False, False, True, True, True, True])
    cancelled = new_sequence(
        all_of.backend, "first turn, abcd" + "x" * 200, conversation_id="a", cancelled=lambda: next(looks)
    )
    run(all_of.scheduler, cancelled)
    assert all_of.reused("a", "first turn, abcd, second turn") > 0


def test_checkpoints_are_kept_for_the_newest_turns() -> None:
    all_of = Conversations(RECURRENT)
    talk = ""
    for number in range(KEPT_CHECKPOINTS + 3):
        talk += f"turn {number}, "
        all_of.turn("a", talk)
        talk += "abcd"
    assert all_of.reused("a", "turn 0, changed") == 0


def test_checkpoints_stay_within_their_budget_and_the_newest_are_left() -> None:
    budget = 2_000  # bytes; a checkpoint has four for every token before it
    all_of = Conversations(RECURRENT, parking_bytes=budget)
    talk = ""
    for number in range(12):
        talk += f"turn {number}, "
        all_of.turn("a", talk)
        held = all_of.scheduler._cache._slots
        assert sum(one.size_bytes for one in held) + all_of.scheduler._cache.parked_bytes <= budget
        talk += "abcd"
    assert all_of.reused("a", talk + "another end") == len(talk)
    assert all_of.reused("a", "turn 0, changed") == 0


def test_without_a_budget_no_checkpoint_is_kept_and_turns_still_follow_on_each_other() -> None:
    all_of = Conversations(RECURRENT, parking_bytes=0)
    all_of.turn("a", "first turn, ")
    assert all_of.reused("a", "first turn, abcdsecond turn") == len("first turn, abcd")
    assert all_of.reused("a", "first turn, abcdanother") == 0


@pytest.mark.parametrize("model", ["fake:tokens=4", RECURRENT])
def test_whatever_is_asked_the_slot_holds_what_the_sequence_says(model: str) -> None:
    all_of = Conversations(model, sequences=2)
    prompts = ["aaaa", "aaab" * 50, "aaab" * 40 + "c", "aaaa", "b", "aaab" * 50 + "d", "aaab" * 20]
    for round_number in range(3):
        for number, prompt in enumerate(prompts):
            all_of.turn("xyz"[(number + round_number) % 3], prompt)  # `turn` compares

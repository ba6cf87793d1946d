"""What conversations have computed outlives the process, within a limit, and never costs an answer."""

import os
from pathlib import Path

import pytest

from engine.backends.fake import FakeBackend
from engine.contract.params import LoadParams
from engine.generation.kept_states import ABANDONED_S, KeptStates, model_key
from engine.generation.prefix_cache import PrefixCache
from engine.generation.scheduler import Scheduler
from engine.generation.sequence import Sequence
from engine.library.state_folder import state_name
from tests.support.generation import new_sequence, run

TALK = "a conversation that has become long " * 10
MORE = 36 * "and longer "


class Run:
    """A backend from its start to its end; what it keeps is in the folder."""

    def __init__(
        self,
        folder: Path,
        *,
        key: str = "k" * 40,
        limit_bytes: int = 2**20,
        model: str = "",
        context: int = 4096,
    ) -> None:
        params = LoadParams(sequences=1, context_length=context)
        model = model or "fake:tokens=4,text=abcd"
        self.backend = FakeBackend(model, params, lambda _: None, lambda: False)
        self.cache = PrefixCache(self.backend, kept=KeptStates(folder, key, limit_bytes=limit_bytes))
        self.scheduler = Scheduler(self.backend, self.cache)

    def turn(self, prompt: str, conversation_id: str = "a") -> Sequence:
        sequence = new_sequence(self.backend, prompt, conversation_id=conversation_id)
        run(self.scheduler, sequence)
        assert self.backend.held(sequence.slot) == sequence.cached_token_ids
        return sequence

    def keep_all(self) -> int:
        kept = 0
        while self.cache.keep_one():
            kept += 1
        return kept

    def end(self) -> None:
        self.cache.close()


def talked(folder: Path, *conversation_ids: str, limit_bytes: int = 2**20) -> None:
    """A run in which these conversations were had and kept."""
    one = Run(folder, limit_bytes=limit_bytes)
    for conversation_id in conversation_ids:
        one.turn(TALK + conversation_id, conversation_id)
        assert one.keep_all() == 1
    one.end()


def reused(folder: Path, prompt: str, conversation_id: str = "a", **options: object) -> int:
    one = Run(folder, **options)  # type: ignore[arg-type]
    length = one.turn(prompt, conversation_id).reused_length
    one.end()
    return length


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_conversation_goes_on_after_the_end(tmp_path: Path, recurrent: bool) -> None:
    model = f"fake:tokens=4,text=abcd,recurrent={str(recurrent).lower()}"
    first = Run(tmp_path, model=model)
    first.turn(TALK)
    assert first.keep_all() == 1
    first.end()
    assert reused(tmp_path, TALK + "abcd and on", model=model) == len(TALK) + 4


def test_another_conversation_that_begins_alike_begins_there_too(tmp_path: Path) -> None:
    talked(tmp_path, "a")
    assert reused(tmp_path, TALK + "but then otherwise", "b") == len(TALK)


def test_only_what_is_new_is_written_again(tmp_path: Path) -> None:
    one = Run(tmp_path)
    one.turn(TALK)
    assert one.keep_all() == 1
    one.turn(TALK + "abcd short")
    assert one.keep_all() == 0
    one.turn(TALK + "abcd shortabcd" + MORE)
    assert one.keep_all() == 1
    one.end()
    again = Run(tmp_path)
    again.turn(TALK + "abcd shortabcd" + MORE + "abcd!")
    assert again.keep_all() == 0
    again.end()


def test_side_requests_and_short_talks_are_not_kept(tmp_path: Path) -> None:
    one = Run(tmp_path)
    one.turn(TALK, "")
    one.turn("hello", "b")
    assert one.keep_all() == 0
    one.end()


def test_a_model_that_is_another_one_reads_nothing(tmp_path: Path) -> None:
    talked(tmp_path, "a")
    assert reused(tmp_path, TALK, key="other" * 10) == 0


def test_a_state_of_another_model_under_this_ones_name_is_ignored(tmp_path: Path) -> None:
    talked(tmp_path, "a")
    (tmp_path / ("k" * 32)).rename(tmp_path / ("x" * 32))
    assert reused(tmp_path, TALK, key="x" * 40) == 0
    assert not list(tmp_path.glob("*/*.state"))


@pytest.mark.parametrize("place", [0, 9, 40, 1700, -1])
def test_a_damaged_state_is_ignored_and_deleted(tmp_path: Path, place: int) -> None:
    talked(tmp_path, "a")
    (path,) = tmp_path.glob("*/*.state")
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 0x55
    path.write_bytes(damaged)
    assert reused(tmp_path, TALK) == 0
    assert not path.exists()


def test_a_state_longer_than_the_context_is_left_alone(tmp_path: Path) -> None:
    talked(tmp_path, "a")
    assert reused(tmp_path, TALK[:260], context=300) == 0
    assert list(tmp_path.glob("*/*.state"))


def test_what_was_used_longest_ago_leaves_first(tmp_path: Path) -> None:
    talked(tmp_path, "a", "b")
    size = max(path.stat().st_size for path in tmp_path.glob("*/*"))
    for conversation, age in (("b", 0), ("a", 1)):  # b is the newer one
        (path,) = tmp_path.glob("*/" + state_name(conversation))
        os.utime(path, (1e9 - age, 1e9 - age))
    assert reused(tmp_path, TALK + "abut now a again", "a") > len(TALK)  # and so a is
    unlike = "z" * len(TALK)  # shares nothing with them, so that neither is used for it
    third = Run(tmp_path, limit_bytes=2 * size + 100)
    third.turn(unlike + "c", "c")
    assert third.keep_all() == 1
    third.end()
    kept = {name: reused(tmp_path, TALK + name + "abcd?", name) for name in "ab"}
    assert kept == {"a": len(TALK) + 5, "b": len(TALK)}
    assert reused(tmp_path, unlike + "cabcd?", "c") == len(TALK) + 5


def test_more_than_the_limit_is_not_kept_at_all(tmp_path: Path) -> None:
    one = Run(tmp_path, limit_bytes=100)
    one.turn(TALK)
    one.keep_all()
    one.end()
    assert not list(tmp_path.glob("*/*"))


def test_what_a_killed_process_began_is_deleted_once_it_is_old(tmp_path: Path) -> None:
    talked(tmp_path, "a")
    fresh, old = (tmp_path / ("k" * 32) / f"{name}.state.1.writing" for name in ("fresh", "old"))
    for path in (fresh, old):
        path.write_bytes(b"half")
    os.utime(old, (old.stat().st_mtime - 2 * ABANDONED_S,) * 2)
    talked(tmp_path, "b")
    assert fresh.exists()
    assert not old.exists()


def test_a_conversation_can_be_forgotten(tmp_path: Path) -> None:
    talked(tmp_path, "a", "b")
    one = Run(tmp_path)
    one.turn(TALK + "aabcd and on" + MORE, "a")
    one.cache.forget("a")
    assert one.keep_all() == 0
    one.end()
    assert len(list(tmp_path.glob("*/*.state"))) == 1
    assert reused(tmp_path, TALK + "babcd", "b") == len(TALK) + 4


def test_a_full_disk_costs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.generation.kept_states.write_state", full)
    one = Run(tmp_path)
    one.turn(TALK)
    one.keep_all()
    assert one.turn(TALK + "abcd on").reused_length == len(TALK) + 4
    one.end()


def test_a_model_file_that_was_changed_has_another_key(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"one")
    before = model_key(("llama", 1), path)
    assert model_key(("llama", 1), path) == before
    assert model_key(("llama", 2), path) != before
    os.utime(path, ns=(1, 1))
    assert model_key(("llama", 1), path) != before

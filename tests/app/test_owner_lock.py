from pathlib import Path

from pytestqt.qtbot import QtBot

from app.owner_lock import OwnerLock
from tests.support.window import WAIT_MS


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path, qtbot: QtBot) -> None:
    first, second = OwnerLock(tmp_path), OwnerLock(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_the_owner_hears_what_a_second_start_asks_for(tmp_path: Path, qtbot: QtBot) -> None:
    owner, second = OwnerLock(tmp_path), OwnerLock(tmp_path)
    assert owner.take()
    owner.listen()
    asked: list[str] = []
    owner.asked.connect(asked.append)
    second.ask_owner("")
    qtbot.waitUntil(lambda: asked == [""], timeout=WAIT_MS)
    second.ask_owner(str(tmp_path / "a model.gguf"))
    qtbot.waitUntil(lambda: asked == ["", str(tmp_path / "a model.gguf")], timeout=WAIT_MS)
    assert list((tmp_path / "requests").iterdir()) == []
    owner.release()


def test_requests_to_a_window_that_is_gone_are_forgotten(tmp_path: Path, qtbot: QtBot) -> None:
    OwnerLock(tmp_path).ask_owner("/models/old.gguf")
    owner = OwnerLock(tmp_path)
    owner.take()
    with qtbot.assertNotEmitted(owner.asked, wait=100):
        owner.listen()
    owner.release()


def test_what_is_asked_while_the_window_is_still_made_is_heard_once_it_listens(
    tmp_path: Path, qtbot: QtBot
) -> None:
    owner = OwnerLock(tmp_path)
    owner.take()
    OwnerLock(tmp_path).ask_owner("/models/new.gguf")
    with qtbot.waitSignal(owner.asked, timeout=WAIT_MS) as asked:
        owner.listen()
    assert asked.args == ["/models/new.gguf"]
    owner.release()

"""The disk fills up while the whole application streams and saves, and is emptied again."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.window_life import Life, check_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SAID_WITHIN_S = 2.0
DISK = 'mkdir -p {home} && mount -t tmpfs -o size=24m tmpfs {home} && exec "$@"'


def small_disk(home: Path) -> list[str]:
    """What runs a command on a disk of its own of 24 MB; skips where a user may not have one."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs a mount namespace of Linux")
    before = ["unshare", "-rm", "sh", "-c", DISK.format(home=home), "sh"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a mount namespace")
    return before


def fill(disk: Path) -> None:
    """Take all the room there is."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(os.urandom(4096))


def test_a_full_disk_is_said_loses_nothing_and_everything_goes_on_after(tmp_path: Path) -> None:
    home = tmp_path / "home"
    life = Life(home, before=small_disk(home))
    disk = Path(f"/proc/{life.process.pid}/root{home}")  # as the application sees it
    ledger = life.ledger
    try:
        life.wait_until_it_answers()
        time.sleep(1)
        fill(disk)
        life.wait_until(lambda: bool(ledger.blocked), "it was not said", SAID_WITHIN_S)
        assert ledger.blocked[0].startswith("the disk")
        asked_before = set(ledger.questions)
        time.sleep(2)  # answers go on, in memory
        assert set(ledger.questions) == asked_before, "a question was acknowledged on a full disk"
        (disk / "filler").unlink()
        life.wait_until(lambda: ledger.num_unblocked > 0, "it did not go on", 10)
        life.wait_until(lambda: len(ledger.questions) > len(asked_before) + 1, "nothing more was asked", 30)
        time.sleep(1)
        life.process.send_signal(signal.SIGSTOP)  # what a kill would leave, copied before it is gone
        shutil.copytree(disk / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.lock"))
    finally:
        life.kill()
    kept = check_file(tmp_path / "data" / "conversations.sqlite3")
    for message_id, text in ledger.questions.items():
        assert kept[message_id][0] == text
    for message_id, text in ledger.ended.items():  # those of the time without room among them
        assert text.startswith(kept[message_id][0])
    assert any(kept[message_id] == (text, "complete") for message_id, text in ledger.ended.items())
    assert len(ledger.blocked) == ledger.num_unblocked == 1

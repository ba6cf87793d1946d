"""The whole application is killed while it streams and saves, again and again on the same file.

Ten times as a rule, two hundred times with RETORT_FULL_TESTS=1. What the application had acknowledged before
a kill has to be there after it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.conversations.connection import connect
from app.conversations.store import ConversationStore
from engine.contract.paths import Paths

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
NUM_KILLS = 200 if os.environ.get("RETORT_FULL_TESTS") else 10
MOST_LOST_MS = 250  # of an answer
START_LIMIT_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Ledger:
    """What the application has said in one life."""

    questions: dict[str, str] = field(default_factory=dict)  # message id → text, on the disk
    ended: dict[str, str] = field(default_factory=dict)  # message id → text of a whole answer
    growing: dict[str, list[tuple[float, int]]] = field(default_factory=dict)  # id → when, how long
    is_ready: bool = False

    def note(self, line: str) -> None:
        told: dict[str, Any] = json.loads(line)
        match told["event"]:
            case "ready":
                self.is_ready = True
                assert not told["bad"]
            case "question":
                self.questions[told["id"]] = told["text"]
            case "text":
                self.growing.setdefault(told["id"], []).append((told["at"], told["length"]))
            case "end":
                self.ended[told["id"]] = told["text"]


class Life:
    """One run of the application, from its start to its kill."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "RETORT_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        self.ledger = Ledger()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.driven_window"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="ledger")
        self._reader.start()

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not self.ledger.growing:
            assert time.monotonic() < deadline and self.process.poll() is None, "it did not go straight on"
            time.sleep(0.005)

    def kill(self) -> float:
        """Kill it with everything below it; returns when, on the clock of the ledger."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        killed_at = time.monotonic()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        psutil.wait_procs(below, timeout=20)  # they end by themselves: nothing is left behind
        left = [child for child in below if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        for child in left:
            child.kill()
        assert not left, f"{len(left)} processes outlived the window"
        return killed_at

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):
                    self.ledger.note(line)


def lost_ms(ledger: Ledger, kept: dict[str, tuple[str, str]]) -> float:
    """Between the first text that is not on the disk and the last that was shown; 0 if nothing is missing."""
    most = 0.0
    for message_id, arrivals in ledger.growing.items():
        length = len(kept.get(message_id, ("", ""))[0])
        missing = [at for at, shown in arrivals if shown > length]
        if missing:
            most = max(most, 1000 * (arrivals[-1][0] - missing[0]))
    return most


def check_file(path: Path) -> dict[str, tuple[str, str]]:
    """Every check that SQLite has, and ours; returns text and state of each message by its id."""
    connection = connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for index in ("message_index", "title_index"):
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
        connection.rollback()
        orphans = "SELECT count(*) FROM messages WHERE parent_id NOT IN (SELECT id FROM messages)"
        assert connection.execute(orphans).fetchone() == (0,)
        rows = connection.execute("SELECT id, text, state FROM messages").fetchall()
    finally:
        connection.close()
    return {message_id: (text, state) for message_id, text, state in rows}


def test_no_kill_loses_anything_acknowledged(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    home = tmp_path / "home"
    database = home / "data" / "conversations.sqlite3"
    losses = []
    num_questions = 0
    for number in range(NUM_KILLS):
        life = Life(home)
        try:
            life.wait_until_it_answers()
            time.sleep(chance.uniform(0, 1.5))
        finally:
            life.kill()
        kept = check_file(database)
        where = f"kill {number} of seed {seed}"
        for message_id, text in life.ledger.questions.items():
            assert kept.get(message_id, ("", ""))[0] == text, where
        for message_id, text in life.ledger.ended.items():
            assert text.startswith(kept[message_id][0]), where
        losses.append(lost_ms(life.ledger, kept))
        num_questions += len(life.ledger.questions)
    losses.sort()
    print(
        f"{NUM_KILLS} kills, {num_questions} acknowledged questions, none lost; of answers the most was "
        f"{losses[-1]:.0f} ms, the median {losses[len(losses) // 2]:.0f} ms"
    )
    assert losses[-1] <= MOST_LOST_MS, f"seed {seed}: {losses}"
    store = ConversationStore(Paths(data=home / "data", config=home, cache=home).conversations)
    assert all(store.load(header.id).path() for header in store.headers())
    store.close()

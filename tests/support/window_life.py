"""Runs of a whole application in a process of its own, what it acknowledged, and the checks of its file."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from app.conversations.connection import connect

START_LIMIT_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Ledger:
    """What the application has said in one life."""

    questions: dict[str, str] = field(default_factory=dict)  # message id → text, on the disk
    ended: dict[str, str] = field(default_factory=dict)  # message id → text of a whole answer
    growing: dict[str, list[tuple[float, int]]] = field(default_factory=dict)  # id → when, how long
    is_ready: bool = False
    blocked: list[str] = field(default_factory=list)  # why nothing could be saved
    num_unblocked: int = 0

    def note(self, line: str) -> None:
        """Take one line of the application's output."""
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
            case "blocked":
                self.blocked.append(told["reason"])
            case "unblocked":
                self.num_unblocked += 1


class Life:
    """One run of the application, from its start to its kill."""

    def __init__(self, home: Path, *, before: Sequence[str] = ()) -> None:
        """`before` is a command that runs the application as its last act."""
        environment = {**os.environ, "RETORT_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        self.ledger = Ledger()
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.support.driven_window"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="ledger")
        self._reader.start()

    def wait_until_it_answers(self) -> None:
        """Return when the first text of this life has come."""
        self.wait_until(lambda: bool(self.ledger.growing), "it did not go straight on")

    def wait_until(self, holds: Callable[[], bool], otherwise: str, limit_s: float = START_LIMIT_S) -> None:
        """Return when something holds; fails with a sentence after the limit, or when the process ends."""
        deadline = time.monotonic() + limit_s
        while not holds():
            ended = self.process.poll()
            assert ended is None, f"{otherwise}: it ended with {ended}"
            assert time.monotonic() < deadline, f"{otherwise} within {limit_s:g} s"
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

"""The whole application is killed while it streams and saves, again and again on the same file.

Ten times as a rule, two hundred times with RETORT_FULL_TESTS=1. What the application had acknowledged before
a kill has to be there after it.
"""

import os
import random
import time
from pathlib import Path

import pytest

from app.conversations.store import ConversationStore
from tests.support.window_life import Ledger, Life, check_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
NUM_KILLS = 200 if os.environ.get("RETORT_FULL_TESTS") else 10
MOST_LOST_MS = 250  # of an answer


def lost_ms(ledger: Ledger, kept: dict[str, tuple[str, str]]) -> float:
    """Between the first text that is not on the disk and the last that was shown; 0 if nothing is missing."""
    most = 0.0
    for message_id, arrivals in ledger.growing.items():
        length = len(kept.get(message_id, ("", ""))[0])
        missing = [at for at, shown in arrivals if shown > length]
        if missing:
            most = max(most, 1000 * (arrivals[-1][0] - missing[0]))
    return most


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
    store = ConversationStore(database)
    assert all(store.load(header.id).path() for header in store.headers())
    store.close()

"""How quick ten thousand conversations are: the list, the search, one long conversation, an import.

CPU time of the thread that does it, so that a busy machine counts for nothing. Prints a table and, last, one
line of JSON. `python -m benchmarks.conversations [--conversations 10000]`
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.conversations.conversation import Conversation
from app.conversations.export import write_json
from app.conversations.importing import read_file
from app.conversations.rows import write_header, write_message
from app.conversations.search import search
from app.conversations.store import ConversationStore
from app.lists.conversation_list import ConversationList

WORDS = 5000  # different ones
MESSAGES = 10  # of a conversation
WORDS_PER_MESSAGE = 60
LONG = 10_000  # messages of the long conversation
BIG_FILE_BYTES = 100 * 2**20
CONSONANTS, VOWELS = "bcdfghklmnprstvw", "aeiou"


def main() -> int:
    """Build a store in a temporary folder and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000)
    num_conversations = parser.parse_args().conversations
    qt = QCoreApplication(sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        store = ConversationStore(Path(folder) / "conversations.sqlite3")
        try:
            long_id = fill(store, num_conversations)
            figures = measure(store, long_id, Path(folder))
        finally:
            store.close()
    del qt
    for name, value in figures.items():
        print(f"{name:32} {value:10.1f}")
    print(json.dumps({"conversations": num_conversations, **figures}))
    return 0


def fill(store: ConversationStore, num_conversations: int) -> str:
    """Write the conversations, all at once; returns the id of the long one."""
    chance = random.Random(1)
    connection = store._connection
    now = time.time()
    with connection:
        for number in range(num_conversations):
            talk = make_talk(chance, MESSAGES)
            if number % 50 == 0:
                talk.append(role="user", text="日本旅行の計画を立てる")
            header = replace(talk.header, updated_at=now - number * 3600)
            write_header(connection, header)
            for message in talk.tree:
                write_message(connection, message)
        long = make_talk(chance, LONG)
        write_header(connection, long.header)
        for message in long.tree:
            write_message(connection, message)
    return long.id


def make_talk(chance: random.Random, num_messages: int) -> Conversation:
    """A conversation of words drawn so that few are frequent and most are rare."""
    talk = Conversation.new()
    for number in range(num_messages):
        words = (make_word(int(WORDS * chance.random() ** 3)) for _ in range(WORDS_PER_MESSAGE))
        talk.append(role="assistant" if number % 2 else "user", text=" ".join(words))
    return talk


def make_word(number: int) -> str:
    """A word of two to four syllables that stands for a number."""
    number = number * 7919 + 13  # neighbours in frequency begin differently
    syllables = []
    while number:
        number, syllable = divmod(number, len(CONSONANTS) * len(VOWELS))
        syllables.append(CONSONANTS[syllable // len(VOWELS)] + VOWELS[syllable % len(VOWELS)])
    return "".join(syllables)


def measure(store: ConversationStore, long_id: str, folder: Path) -> dict[str, float]:
    """Every figure, in ms of CPU."""
    conversations = ConversationList()
    figures = {
        "read the list": cpu_ms(store.headers),
        "group and show the list": cpu_ms(lambda: conversations.set_headers(store.headers())),
        "one goes to the top": cpu_ms(
            lambda: conversations.put(replace(conversations.header(long_id), updated_at=time.time() + 1))
        ),
        "open the long conversation": cpu_ms(lambda: store.load(long_id).path()),
    }
    connection = store._connection
    frequent, middle, rare = make_word(1), make_word(WORDS // 2), make_word(WORDS - 1)
    wanted = ("b", "ba", frequent, middle, rare, f"{frequent} {middle[:3]}", f"{rare} {frequent}")
    searches = [
        cpu_ms(partial(search, connection, words))
        for words in (*wanted, f"{frequent} {middle} {rare}", "旅行", "nothing like it")
    ]
    figures["search, the slowest"] = max(searches)
    figures["search, the median"] = sorted(searches)[len(searches) // 2]
    file = folder / "big.json"
    big = Conversation.new()
    for _number in range(200):
        big.append(role="user", text="many words " * (BIG_FILE_BYTES // 200 // 11))
    store.insert(big)
    store.empty_bin(0)
    wait_until_written(store)
    write_json(connection, [big.id], file)
    figures["import of 100 MB"] = cpu_ms(lambda: list(read_file(file, connection)))
    return figures


def wait_until_written(store: ConversationStore) -> None:
    """Return when the writer has nothing left to do."""
    while store._writer._waiting:
        time.sleep(0.05)
    time.sleep(2)


def cpu_ms(run: Callable[[], Any]) -> float:
    """Milliseconds of this thread's CPU; the better of two."""
    best = float("inf")
    for _round in range(2):
        started = time.thread_time()
        run()
        best = min(best, 1000 * (time.thread_time() - started))
    return best


if __name__ == "__main__":
    sys.exit(main())

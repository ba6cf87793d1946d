"""A long conversation goes on after a restart without being read again, and answers as if it had been.

RETORT_FULL_TESTS=1 asks the torch engine too and kills fifty times.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from engine.contract.messages import FinishedEvent
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.generation.state_file import read_state, read_tokens
from tests.support.host_recorder import HostRecorder

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
KILLS = 50 if FULL else 3
STORY = "Once upon a time there was a little fox who lived at the edge of a wide forest. " * 30
WRITING = """
import sys
from pathlib import Path
from engine.generation.state_file import write_state
number = 0
while True:
    state = bytes([number % 256]) * (4 * 2**20)
    write_state(Path(sys.argv[1]), "key", [number % 256] * 1000, state, [])
    print(number, flush=True)
    number += 1
"""


def asked(prompt: str, conversation_id: str, load: LoadParams) -> tuple[str, FinishedEvent]:
    """A host's whole life: one answer."""
    host = HostRecorder()
    try:
        host.ask("a", "builtin", prompt, max_tokens=40, conversation_id=conversation_id, load=load)
        finished = host.finished("a")
        return host.text_of("a"), finished
    finally:
        host.close()


@pytest.mark.parametrize("backend", ["llama", "torch"] if FULL else ["llama"])
def test_a_conversation_goes_on_after_a_restart(
    backend: Literal["llama", "torch"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = LoadParams(backend=backend)
    answer, first = asked(STORY, "talk", load)
    assert first.usage.cached_tokens == 0
    assert list(Paths.from_environment().prefix_cache.glob("*/*.state"))
    longer = STORY + answer + " And then"
    text, second = asked(longer, "talk", load)
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 1
    monkeypatch.setenv("RETORT_HOME", str(tmp_path / "another"))
    fresh, unknown = asked(longer, "talk", load)
    assert unknown.usage.cached_tokens == 0
    assert text == fresh


def test_a_process_killed_while_it_writes_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "key" / "a.state"
    for kill in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline()
        time.sleep(0.0007 * kill)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        _, tokens = read_tokens(path)
        state, _ = read_state(path)
        assert set(state) == set(tokens.tolist())

"""Runs a Python script without network: `python -m engine.worker.job.offline PARENT SCRIPT ARGUMENT…`.

On Linux the process leaves the network where the system lets it: a namespace without any interface. There and
everywhere else a hook that Python code cannot take away again refuses every socket and every new process.
"""

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import runpy
import sys
import types
from pathlib import Path

from engine.worker.parent_death import end_with_parent

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # linux/sched.h
REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile")


def refuse(event: str, _arguments: tuple[object, ...]) -> None:
    """The hook: every event of Python's own that reaches out of the process raises."""
    if event.startswith(REFUSED):
        raise PermissionError(f"{event} is refused: a conversion needs neither network nor other programs")


def leave_network() -> None:
    """Take this process out of the network, where that is possible."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).unshare(NEW_USER | NEW_NETWORK)


class SentencePieceProcessor:
    """Stands in for a library that the scripts import before they look whether there is a file for it."""

    def __init__(self, *_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'sentencepiece'")


def stand_in_for_sentencepiece() -> None:
    """Let it be imported where it is not installed."""
    if importlib.util.find_spec("sentencepiece") is None:
        module = types.ModuleType("sentencepiece")
        module.SentencePieceProcessor = SentencePieceProcessor  # type: ignore[attr-defined]
        module.__spec__ = importlib.machinery.ModuleSpec("sentencepiece", None)
        sys.modules["sentencepiece"] = module


def main() -> None:
    """Run the script as if it had been started itself."""
    parent, script, *arguments = sys.argv[1:]
    end_with_parent(int(parent))
    leave_network()
    stand_in_for_sentencepiece()
    sys.addaudithook(refuse)
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()

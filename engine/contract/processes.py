"""How one process of Retort starts another: the command line and the environment, in one place.

Always a fresh interpreter by subprocess or QProcess, never multiprocessing, never fork.
"""

import os
import sys
from pathlib import Path
from typing import Literal

ProcessModule = Literal[
    "engine.gateway",
    "engine.host",
    "engine.worker",
    "engine.worker.job",
    "engine.worker.children.template",
    "engine.worker.children.typeset",
]

# What Python itself needs to start, and where and when it is; nothing that a user's secrets are kept in.
_BARE_NAMES = frozenset(
    {"PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "TZ", "LANG"}
    | {"LC_ALL", "LC_TIME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONWARNINGS"}
)


def source_root() -> Path:
    """The folder that holds the packages `app` and `engine`."""
    return Path(__file__).resolve().parents[2]


def child_command(module: ProcessModule, *arguments: str) -> list[str]:
    """The command line that runs one of Retort's own modules as a process."""
    return [sys.executable, "-m", module, *arguments]


def child_environment() -> dict[str, str]:
    """This environment, so set that a child finds the same code and ggml dies without calling a debugger."""
    environment = dict(os.environ)
    paths = [str(source_root()), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    environment["PYTHONUTF8"] = "1"
    environment["GGML_NO_BACKTRACE"] = "1"
    return environment


def bare_environment() -> dict[str, str]:
    """The same for a child that handles untrusted input: without anything it does not need."""
    return {name: value for name, value in child_environment().items() if name.upper() in _BARE_NAMES}

"""How one process of Retort starts another: the command line and the environment, in one place.

Always a fresh interpreter by subprocess or QProcess, never multiprocessing, never fork.
"""

import os
import sys
from pathlib import Path
from typing import Literal

ProcessModule = Literal["engine.host", "engine.worker", "engine.worker.children.template"]


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

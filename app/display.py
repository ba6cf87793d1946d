"""Whether a window can be opened here. Qt aborts the process when it cannot, so a child tries it first."""

import importlib.util
import os
import subprocess
import sys

from engine.contract.processes import child_command, child_environment

PROBE_LIMIT_S = 20.0


def can_open_window() -> bool:
    """Try a Qt application in a child process; no display server on Linux needs no trying."""
    if importlib.util.find_spec("PySide6") is None:
        return False
    if sys.platform == "win32":
        return True
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        return False
    try:
        probe = subprocess.run(
            child_command("app.display_probe"),
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return probe.returncode == 0

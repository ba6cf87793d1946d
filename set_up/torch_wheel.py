"""torch for the tests: only its CPU build, only with a locked hash, only where the user doesn't decline."""

from __future__ import annotations

import platform
import re
import sys
from urllib.parse import urlsplit

from set_up.pip import locked, no_such_wheel, pip_install, reason_of_failure
from set_up.places import Places, address
from set_up.progress import SetUpError, step

LOCKED = re.compile(
    r"^torch==(\S+) ; sys_platform == '(\w+)' and platform_machine == '(\w+)'"
    r" and python_version == '([\d.]+)'",
    re.MULTILINE,
)
# Megabytes to download and on disk, by sys.platform.
SIZES = {"linux": (192, 700), "win32": (122, 466), "darwin": (111, 471)}


def locked_version(lock: str, system: str, machine: str, python: str) -> str | None:
    """Return the version that requirements/torch.txt locks for an interpreter, if it does."""
    for version, *interpreter in LOCKED.findall(lock):
        if interpreter == [system, machine, python]:
            return str(version)
    return None


def this_interpreter() -> tuple[str, str, str]:
    """Return the interpreter as the lock's markers name it."""
    return sys.platform, platform.machine(), f"{sys.version_info[0]}.{sys.version_info[1]}"


def version_for_this_interpreter(places: Places) -> str | None:
    """Return the version of torch the tests can have here."""
    return locked_version(
        (places.requirements / "torch.txt").read_text(encoding="utf-8"), *this_interpreter()
    )


def why_not() -> str:
    """Return the line for an interpreter without a locked build."""
    system, machine, python = this_interpreter()
    return (
        f"the tests that need torch are left out: no CPU build of it is locked for Python {python} on "
        f"{system} {machine}"
    )


def install_torch(places: Places, version: str) -> None:
    """Install torch: from the configured index, else from PyTorch's own, which is asked for nothing else."""
    download_mb, disk_mb = SIZES.get(sys.platform, SIZES["linux"])
    title = (
        f"torch {version} for the tests: {download_mb} MB to download, {disk_mb} MB on disk (--without-torch"
    )
    with step(f"{title} leaves it out)"):
        outcome = pip_install(places, places.environment, *locked(places, "torch.txt"))
        if outcome.status and no_such_wheel(outcome):
            index = address(places.root, "pytorch_cpu")
            source = urlsplit(index).hostname
            outcome = pip_install(
                places, places.environment, *locked(places, "torch.txt"), "--extra-index-url", index
            )
        else:
            source = "the package index"
        if outcome.status:
            reason = reason_of_failure(outcome.text)
            raise SetUpError(f"torch could not be fetched from {source}: {reason}, or use --without-torch")

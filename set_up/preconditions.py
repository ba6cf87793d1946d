"""What must be true of the machine before anything is installed: Python, the C library, disk space."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from set_up.progress import SetUpError

NEWEST_PYTHON = (3, 14)  # the newest one that every locked package has a wheel for
OLDEST_GLIBC = {"x86_64": (2, 34), "aarch64": (2, 39)}  # PySide6's wheels
OLDEST_MACOS = 14  # likewise

MB = 10**6
# Measured on Linux, Python 3.11, rounded up; downloads stay in pip's cache folder beside the installed files.
BASE_ENVIRONMENT_BYTES = 600 * MB
BASE_CACHE_BYTES = 200 * MB
TEST_ENVIRONMENT_BYTES = 400 * MB
TEST_CACHE_BYTES = 100 * MB
TORCH_ENVIRONMENT_BYTES = 1_000 * MB
TORCH_CACHE_BYTES = 200 * MB
SOURCE_CACHE_BYTES = 160 * MB  # the package, and once more while it is fetched
BUILD_TEMPORARY_BYTES = 700 * MB


def check_python(
    version: tuple[int, ...] = sys.version_info[:2], name: str = sys.implementation.name
) -> None:
    """Stop under a Python that the locked packages have no wheels for."""
    newest = ".".join(map(str, NEWEST_PYTHON))
    if name != "cpython":
        raise SetUpError(
            f"this Python is {name}, and Retort needs CPython 3.11 to {newest}: start again with one"
        )
    if tuple(version[:2]) > NEWEST_PYTHON:
        raise SetUpError(
            f"this is Python {version[0]}.{version[1]}, and not every package Retort needs is ready for it: "
            f"start again with Python 3.11 to {newest}, for example `python{newest} run.py`"
        )


def check_system() -> None:
    """Stop on a system that PySide6 has no wheels for."""
    if sys.platform == "darwin":
        release = platform.mac_ver()[0]
        if release and int(release.split(".")[0]) < OLDEST_MACOS:
            raise SetUpError(
                f"this is macOS {release}, and Retort needs macOS {OLDEST_MACOS} or newer: update it"
            )
    elif sys.platform.startswith("linux"):
        check_c_library(platform.machine(), platform.libc_ver())


def check_c_library(machine: str, libc: tuple[str, str]) -> None:
    """Stop where the C library is not glibc or too old for the locked packages."""
    oldest = OLDEST_GLIBC.get(machine)
    if oldest is None:
        raise SetUpError(
            f"this machine is {machine}, and Retort's packages exist for x86_64 and aarch64 only"
        )
    needed = f"glibc {oldest[0]}.{oldest[1]}"
    if libc[0] != "glibc":
        raise SetUpError(f"this Linux has no glibc, and Retort needs {needed}: use another distribution")
    if tuple(int(part) for part in libc[1].split(".")[:2]) < oldest:
        raise SetUpError(
            f"this Linux has glibc {libc[1]}, and Retort needs {needed} or newer: use a newer release"
        )


@dataclass(frozen=True, slots=True)
class SpaceNeed:
    """So many bytes will be written below this folder."""

    folder: Path
    needed_bytes: int


FreeBytes = Callable[[Path], int]


def free_bytes_at(folder: Path) -> int:
    """Return the free bytes of the file system that holds a folder."""
    return shutil.disk_usage(folder).free


def check_space(needs: Iterable[SpaceNeed], free_bytes: FreeBytes = free_bytes_at) -> None:
    """Stop where a file system has less free than what will be written to it, all folders on it together."""
    needed_by_device: dict[int, int] = {}
    folder_of: dict[int, Path] = {}
    for need in needs:
        folder = existing(need.folder)
        device = folder.stat().st_dev
        needed_by_device[device] = needed_by_device.get(device, 0) + need.needed_bytes
        folder_of.setdefault(device, folder)
    for device, needed in needed_by_device.items():
        free = free_bytes(folder_of[device])
        if free < needed:
            raise SetUpError(
                f"about {needed / 1e9:.1f} GB are needed below {folder_of[device]} "
                f"and {free / 1e9:.1f} GB are free: make room and start again"
            )


def existing(folder: Path) -> Path:
    """Return the folder itself or its nearest parent that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def temporary_folder() -> Path:
    """Return the system's temporary folder."""
    return Path(tempfile.gettempdir())

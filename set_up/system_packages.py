"""What has to come from the operating system: libraries, Python's venv module, a compiler.

Found by trying (a library is loaded, a program looked for), never by asking the package manager. As root on
Debian and Ubuntu what is missing is installed; anyone else gets the one command to type.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from set_up.child import run_program
from set_up.progress import SetUpError, say, step

ON_LINUX: bool = sys.platform.startswith("linux")  # elsewhere Qt brings all its libraries along


@dataclass(frozen=True, slots=True)
class Need:
    """One thing the system has to provide, and the Debian package it comes in."""

    name: str
    package: str


# What llama.cpp's libraries are linked to.
ENGINE_LIBRARIES = (Need("libstdc++.so.6", "libstdc++6"), Need("libgomp.so.1", "libgomp1"))

# What Qt's wheels leave to the system: with these it starts without a display (tried on a bare Debian 12).
QT_LIBRARIES = (
    Need("libEGL.so.1", "libegl1"),
    Need("libGL.so.1", "libgl1"),
    Need("libfontconfig.so.1", "libfontconfig1"),
    Need("libdbus-1.so.3", "libdbus-1-3"),
    Need("libxkbcommon.so.0", "libxkbcommon0"),
    Need("libglib-2.0.so.0", "libglib2.0-0"),
    Need("libgthread-2.0.so.0", "libglib2.0-0"),
    Need("libbrotlidec.so.1", "libbrotli1"),
)

# What a window on an X11 screen needs on top.
X11_LIBRARIES = (
    Need("libxcb-cursor.so.0", "libxcb-cursor0"),
    Need("libxcb-icccm.so.4", "libxcb-icccm4"),
    Need("libxcb-image.so.0", "libxcb-image0"),
    Need("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    Need("libxcb-randr.so.0", "libxcb-randr0"),
    Need("libxcb-render-util.so.0", "libxcb-render-util0"),
    Need("libxcb-shape.so.0", "libxcb-shape0"),
    Need("libxcb-xkb.so.1", "libxcb-xkb1"),
    Need("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
)

# What the one test with a real X11 window needs; without them it is left out.
SCREEN_PROGRAMS = (Need("Xvfb", "xvfb"), Need("xauth", "xauth"))

Loader = Callable[[str], object]


def missing_libraries(needs: Iterable[Need], load: Loader = ctypes.CDLL) -> list[Need]:
    """Return those libraries that can't be loaded."""
    missing = []
    for need in needs:
        try:
            load(need.name)
        except OSError:
            missing.append(need)
    return missing


def missing_programs(needs: Iterable[Need]) -> list[Need]:
    """Return those programs that are not on PATH."""
    return [need for need in needs if shutil.which(need.name) is None]


def missing_venv_module() -> list[Need]:
    """Return what Python lacks to make an environment; Debian takes `venv` and `ensurepip` out of Python."""
    invalidate_caches()  # it may have been installed a moment ago
    if find_spec("venv") and find_spec("ensurepip"):
        return []
    is_default = Path(sys.executable).resolve() == Path("/usr/bin/python3").resolve()
    package = "python3-venv" if is_default else f"python3.{sys.version_info[1]}-venv"
    return [Need("Python's venv module", package)]


def missing_compiler(environ: Mapping[str, str], platform: str = sys.platform) -> list[Need]:
    """Return what is missing to compile C and C++."""
    path = environ.get("PATH", "")
    if platform == "win32":
        installer = Path(environ.get("ProgramFiles(x86)", "C:/Program Files (x86)"))
        if (installer / "Microsoft Visual Studio" / "Installer" / "vswhere.exe").exists():
            return []
    compilers = (("C", "CC", ("cc", "gcc", "clang", "cl")), ("C++", "CXX", ("c++", "g++", "clang++", "cl")))
    missing = []
    for language, variable, names in compilers:
        chosen = environ.get(variable, "").split()[:1] or names
        if not any(shutil.which(name, path=path) for name in chosen):
            missing.append(Need(f"a {language} compiler", "gcc" if language == "C" else "g++"))
    return missing


def has_apt(os_release: Path = Path("/etc/os-release")) -> bool:
    """Tell whether this is Debian, Ubuntu or one of their kind."""
    try:
        lines = os_release.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    values = [line.split("=", 1)[1].strip("\"'") for line in lines if line.startswith(("ID=", "ID_LIKE="))]
    return bool({"debian", "ubuntu"} & set(" ".join(values).split())) and shutil.which("apt-get") is not None


def is_root() -> bool:
    """Tell whether we may install system packages without asking."""
    return sys.platform != "win32" and os.geteuid() == 0


def packages_of(missing: Sequence[Need]) -> list[str]:
    """Return the Debian packages of what is missing, each once."""
    return list(dict.fromkeys(need.package for need in missing))


def advice(missing: Sequence[Need], *, apt: bool, platform: str = sys.platform) -> str:
    """Return the one line for a user who has to install things; with apt it ends in the exact command."""
    if apt:
        command = "sudo apt-get install --no-install-recommends " + " ".join(packages_of(missing))
        return f"system packages are missing: install them with `{command}` and start again"
    names = ", ".join(need.name for need in missing)
    if platform == "darwin":
        return (
            f"the system lacks {names}: install Apple's tools with `xcode-select --install` and start again"
        )
    if platform == "win32":
        return (
            f"the system lacks {names}: install Visual Studio Build Tools with the workload "
            "`Desktop development with C++` and start again"
        )
    return f"the system lacks {names}: install them with this system's package manager and start again"


def provide(still_missing: Callable[[], list[Need]], missing: Sequence[Need]) -> None:
    """Install what is missing where we may; else stop with the one line that helps."""
    apt = has_apt()
    if not apt or not is_root():
        raise SetUpError(advice(missing, apt=apt))
    install(packages_of(missing))
    left = still_missing()
    if left:
        raise SetUpError(advice(left, apt=apt))


def provide_optional(missing: Sequence[Need]) -> None:
    """Install what is only good to have where we may; else say what would provide it, and go on."""
    apt = has_apt()
    try:
        if apt and is_root():
            install(packages_of(missing))
            return
        text = advice(missing, apt=apt)
    except SetUpError as error:
        text = str(error)
    say(f"going on without: {text}")


def install(packages: Sequence[str]) -> None:
    """Install Debian packages as root; a package list that can't be refreshed is not yet a failure."""
    waiting = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step("installing system packages: " + " ".join(packages)):
        refreshed = run_program([*waiting, "update"], environ=environ)
        if refreshed.status:
            say("  the package lists could not be refreshed: trying with those that are there")
        command = [*waiting, "install", "-y", "--no-install-recommends", *packages]
        outcome = run_program(command, environ=environ)
        if outcome.status:
            reasons = (
                [line for line in outcome.lines if line.startswith("E: ")]
                or outcome.lines
                or ["no reason given"]
            )
            raise SetUpError(
                f"apt-get could not install {' '.join(packages)} ({reasons[0].removeprefix('E: ')}): "
                "check the network and /etc/apt, and start again"
            )

"""An installed Retort: what the checks ask of it, and the archive installed for one user of this computer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

# What the archive's script calls; a PATH of these alone has no Python.
TOOLS = ("cat", "chmod", "cp", "dirname", "find", "ln", "mkdir", "readlink", "rm", "sed", "sh")
LIMIT_S = 180.0


class Startable(Protocol):
    """A Retort that can be started."""

    def command(self, *words: str, **environment: str) -> list[str]:
        """The command line that runs Retort with nothing around it."""
        ...


class Installed(Startable, Protocol):
    """An installed Retort that runs without network and without Python."""

    home: Path  # of its user, as seen from outside

    def processes(self) -> list[str]:
        """The command lines of its processes that run now."""
        ...

    def remove(self) -> list[Path]:
        """Remove Retort; returns what it left that is not the user's."""
        ...


def asked(retort: Startable, *words: str) -> dict[str, Any]:
    """What a command answers as JSON; raises SystemExit where it fails."""
    done = subprocess.run(
        retort.command(*words), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise SystemExit(f"retort {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def bare(home: Path, path: str, environment: dict[str, str]) -> list[str]:
    """The start of a command line that passes nothing on but these."""
    kept = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"} | environment
    return ["env", "-i", *(f"{name}={value}" for name, value in kept.items())]


class ForThisUser:
    """The archive below a temporary folder that is HOME; the libraries are this computer's. Needs no root."""

    def __init__(self, archive: Path, folder: Path) -> None:
        """Unpack and install `archive` below `folder`."""
        self.home = folder / "home"
        self._tools = folder / "bin"
        for made in (self.home, self._tools, folder / "unpacked"):
            made.mkdir()
        for tool in TOOLS:
            (self._tools / tool).symlink_to(shutil.which(tool) or "")
        subprocess.run(["tar", "-xf", str(archive), "-C", str(folder / "unpacked")], check=True)
        (unpacked,) = (folder / "unpacked").iterdir()
        self._script = unpacked / "install.sh"
        self._install()

    def _install(self, *words: str) -> None:
        command = ["unshare", "-rn", *self._bare(), "sh", str(self._script), *words]
        subprocess.run(command, check=True)

    def command(self, *words: str, **environment: str) -> list[str]:
        """Retort in a network namespace without interface."""
        program = self.home / ".local" / "bin" / "retort"
        return ["unshare", "-rn", *self._bare(**environment), str(program), *words]

    def processes(self) -> list[str]:
        """Those whose executable lies below HOME."""
        return running(lambda process: (process / "exe").readlink().is_relative_to(self.home))

    def remove(self) -> list[Path]:
        """Run the archive's own removal."""
        self._install("--remove")
        return files_of_nobody(self.home)

    def _bare(self, **environment: str) -> list[str]:
        return bare(self.home, str(self._tools), environment)


def files_of_nobody(home: Path) -> list[Path]:
    """What a removal by the archive's script left that is not the user's."""
    local = home / ".local"
    return [path for path in local.rglob("*") if path.is_file() and "share/retort/" not in path.as_posix()]


def running(is_ours: Callable[[Path], bool]) -> list[str]:
    """The command lines of the processes that `is_ours(/proc/NUMBER)` is true of."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(os.getpid()) and is_ours(process):
                program = (process / "exe").readlink()  # a zombie has none
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(words or str(program))  # one that has just begun has no words yet
        except OSError:  # it has ended meanwhile
            continue
    return found

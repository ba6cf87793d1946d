"""A Debian of its own, made by debootstrap: nothing of this computer is in it, and no Python.

Below a folder that is kept lie `minbase`, as debootstrap made it; `depends-…`, the same with the package's
Depends from the mirror and a user; `archives`, what apt fetched; `work`, the copy that is tried. Needs root.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from checking.installed import bare, files_of_nobody, running

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
USER, USER_ID = "somebody", 1000
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What dpkg and apt note for themselves, and what belongs to users, may differ after a removal.
_NOT_THE_PACKAGES = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "home", "tmp", "etc/ld.so.cache")
# The namespace's own mounts go with it.
_ENTER = """
set -e
root=$1; archives=$2; shift 2
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mkdir -p "$root/dev/shm" "$root/tmp/.X11-unix"
mount -t tmpfs tmpfs "$root/dev/shm"
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
mount --bind "$archives" "$root/var/cache/apt/archives"
exec chroot "$@"
"""


class CleanRoot:
    """A root file system to install in; what runs in it has a mount namespace and, mostly, no network."""

    def __init__(self, root: Path, archives: Path) -> None:
        self.path = root
        self._archives = archives

    def inside(self, *command: str, as_user: bool = False, network: bool = False) -> list[str]:
        """The command line that runs `command` in here."""
        spaces = ["--mount"] if network else ["--mount", "--net"]
        start = ["unshare", *spaces, "sh", "-c", _ENTER, "sh", str(self.path), str(self._archives)]
        who = [f"--userspec={USER_ID}:{USER_ID}"] if as_user else []
        home = Path("/home") / USER if as_user else Path("/root")
        words = [] if command[0] == "env" else bare(home, PATH, {"DEBIAN_FRONTEND": "noninteractive"})
        return [*start, *who, str(self.path), *words, *command]

    def run(self, *command: str, network: bool = False) -> None:
        """Run a command as root, silently; raises SystemExit with what it said where it fails."""
        quiet = self.inside(*command, network=network)
        done = subprocess.run(quiet, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise SystemExit(f"in the clean root, {' '.join(command)}:\n{done.stdout}")

    def files(self) -> set[Path]:
        """Every file and link that a package may have put there."""
        found = set()
        for folder, folders, names in os.walk(self.path):
            here = Path(folder).relative_to(self.path)
            folders[:] = [name for name in folders if (here / name).as_posix() not in _NOT_THE_PACKAGES]
            found |= {here / name for name in names}
        return {file for file in found if file.as_posix() not in _NOT_THE_PACKAGES}


def prepare(keep: Path, depends: str) -> CleanRoot:
    """A fresh copy of the root that has the Depends and no Python; made at the first call."""
    if os.geteuid() != 0 or sys.platform != "linux":
        raise SystemExit(
            "a clean root is made by debootstrap and entered by chroot: run this as root on Linux"
        )
    minbase, archives = keep / "minbase", keep / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    Path("/tmp/.X11-unix").mkdir(mode=0o1777, exist_ok=True)
    if not minbase.is_dir():
        unfinished = keep / "minbase.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        made = ["debootstrap", "--variant=minbase", SUITE, str(unfinished), MIRROR]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        unfinished.rename(minbase)
    ready = keep / f"depends-{hashlib.sha256(depends.encode()).hexdigest()[:12]}"
    if not ready.is_dir():
        made_root = CleanRoot(_copy(minbase, keep / "depends.part"), archives)
        shutil.copyfile("/etc/resolv.conf", made_root.path / "etc" / "resolv.conf")
        made_root.run("apt-get", "update", network=True)
        made_root.run(
            "apt-get", "satisfy", "-y", "--no-install-recommends", "-o", "APT::Keep-Downloaded-Packages=1",
            depends, network=True,
        )  # fmt: skip
        made_root.run("useradd", "--create-home", "--uid", str(USER_ID), USER)
        made_root.path.rename(ready)
    root = CleanRoot(_copy(ready, keep / "work"), archives)
    for python in ("python3", "python"):
        assert not list(root.path.glob(f"usr/*bin/{python}*")), f"{python} is in the clean root"
    return root


def _copy(root: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(target)], check=True)
    return target


class InCleanRoot:
    """The Debian package or the archive, installed without network in a clean root."""

    def __init__(self, download: Path, keep: Path, depends: str) -> None:
        self.root = prepare(keep, depends)
        self.home = self.root.path / "home" / USER
        self._before = self.root.files()
        self._is_package = download.suffix == ".deb"
        if self._is_package:
            shutil.copyfile(download, self.root.path / "tmp" / download.name)
            self.root.run("apt-get", "install", "-y", "--no-install-recommends", f"/tmp/{download.name}")
            self._program = "/usr/bin/retort"
        else:
            # the root has no zstd: whoever unpacks a .tar.zst by a file manager has its library
            subprocess.run(["tar", "-xf", str(download), "-C", str(self.home)], check=True)
            (unpacked,) = self.home.glob("retort-*")
            for path in (unpacked, *unpacked.rglob("*")):
                os.chown(path, USER_ID, USER_ID, follow_symlinks=False)
            self._script = f"/home/{USER}/{unpacked.name}/install.sh"
            self._as_user("sh", self._script)
            self._program = f"/home/{USER}/.local/bin/retort"

    def command(self, *words: str, **environment: str) -> list[str]:
        """Retort as the root's user, in a network namespace without interface."""
        start = bare(Path("/home") / USER, PATH, environment)
        return self.root.inside(*start, self._program, *words, as_user=True)

    def processes(self) -> list[str]:
        """Every process whose root is this one."""
        return running(lambda process: (process / "root").readlink() == self.root.path)

    def remove(self) -> list[Path]:
        """Purge the package, or run the archive's own removal."""
        if self._is_package:
            self.root.run("apt-get", "purge", "-y", "retort")
            return sorted(self.root.files() - self._before)
        self._as_user("sh", self._script, "--remove")
        return sorted({*files_of_nobody(self.home), *(self.root.files() - self._before)})

    def _as_user(self, *command: str) -> None:
        subprocess.run(self.root.inside(*command, as_user=True), check=True)

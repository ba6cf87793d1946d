"""The bundle: frozen by PyInstaller, with licences and a list of components; what takes the room in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bundling.components import write_components
from bundling.environment import with_tools
from bundling.owners import Owners, owners_of_bundle
from set_up.places import Places, python_in

INSIDE = "_internal"  # PyInstaller's name for everything but the executables


def make_bundle(places: Places, environment: Path, native: Path) -> Path:
    """Freeze the application into build/dist/retort; returns that folder."""
    dist = places.root / "build" / "dist"
    bundle = dist / "retort"
    work = places.root / "build" / "work"
    origins = work / "origins.json"
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(bundle, ignore_errors=True)
    command = [str(python_in(environment)), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(dist), "--workpath", str(work)]
    command.append(str(places.root / "packaging" / "app.spec"))
    told = {
        "RETORT_ROOT": str(places.root),
        "RETORT_NATIVE": str(native),
        "RETORT_ORIGINS": str(origins),
        "PYTHONPATH": str(places.root / "packaging"),
        # the same source gives the same bytes
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": commit_time(places.root),
    }
    subprocess.run(command, check=True, cwd=places.root, env=with_tools(environment) | told)
    strip(bundle / INSIDE)
    owners = owners_of_bundle(origins, Owners(places.root, environment, native))
    write_components(bundle, environment, owners)
    return bundle


def strip(inside: Path) -> None:
    """Take debuggers' symbols out where they are many.

    Never out of all files: auditwheel's (numpy.libs) are laid out in a way that strip destroys. Linux only:
    Apple's strip knows other words, and Windows keeps symbols in files of their own.
    """
    if sys.platform != "linux":
        return
    libraries = (*inside.glob("libpython*.so*"), *inside.glob("sqlcipher3/*.so"))
    for library in (*libraries, *inside.glob("python3.*/lib-dynload/*.so")):
        subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)


def commit_time(root: Path) -> str:
    """When the newest commit was made, in seconds; the time that every file of a build gets."""
    asked = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(asked, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def print_sizes(bundle: Path) -> None:
    """Print what takes the room, largest first, in MB of 10⁶ bytes."""
    sizes: dict[str, int] = {}
    for file in bundle.rglob("*"):
        if file.is_file() and not file.is_symlink():
            parts = file.relative_to(bundle).parts
            of_library = len(parts) == 2 and parts[0] == INSIDE
            name = "system libraries" if of_library and ".so" in parts[1] else parts[min(1, len(parts) - 1)]
            sizes[name] = sizes.get(name, 0) + file.stat().st_size
    total = sum(sizes.values())
    for name, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        if size * 200 > total:
            print(f"  {size / 1e6:7.1f} MB  {name}")
    print(f"  {total / 1e6:7.1f} MB  together, {sum(1 for _ in bundle.rglob('*'))} files and folders")


def set_times(folder: Path, seconds: int) -> None:
    """Give every file and folder one time, so that an archive of the same content has the same bytes."""
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (seconds, seconds), follow_symlinks=False)

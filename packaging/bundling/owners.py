"""Who made each file of the bundle: a Python package, a package of the distribution, CPython, llama.cpp, we.

PyInstaller says where it took each file from (`origins.json`, written by app.spec); a file that nobody owns
ends the build, so that nothing is shipped without its licence being looked at.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bundling.contents import normal

CPYTHON, LLAMA, RETORT, PYINSTALLER = "cpython", "llama.cpp", "retort", "pyinstaller"
# Folders of our own source that somebody else wrote, or that are looked at as something of their own.
_OUR_PARTS = {
    "resources/fonts/Inter": "inter",
    "resources/fonts/JetBrains": "jetbrains-mono",
    "resources/builtin/": "builtin-model",
}
_MADE_BY_THE_BUILD = {"base_library.zip": CPYTHON}


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Who made a file."""

    kind: str  # pypi, deb or part (of `licences/parts.toml`)
    name: str


class Owners:
    """The owners of the files that this build can take in."""

    def __init__(self, root: Path, environment: Path, native: Path) -> None:
        self._root = root
        self._native = native
        self._packages = environment / "lib"
        self._recorded = _recorded_files(environment)

    def of(self, target: str, source: str) -> Owner:
        """The owner of one file, by its place in the bundle and where it was taken from."""
        path = Path(source)
        if target in _MADE_BY_THE_BUILD:
            return Owner("part", _MADE_BY_THE_BUILD[target])
        if path.is_relative_to(self._packages):
            package = self._recorded.get(path)
            if package is None:
                raise SystemExit(f"{source} belongs to no package of {self._packages}")
            return Owner("part", PYINSTALLER) if package.startswith("pyinstaller") else Owner("pypi", package)
        if path.is_relative_to(self._native):
            return Owner("part", LLAMA)
        if path.is_relative_to(self._root / "build"):
            raise SystemExit(f"{target} was made by the build, and of what is not known")
        if path.is_relative_to(self._root):
            within = path.relative_to(self._root).as_posix()
            return Owner(
                "part", next((name for start, name in _OUR_PARTS.items() if within.startswith(start)), RETORT)
            )
        if path.is_relative_to(sys.base_prefix):
            return Owner("part", CPYTHON)
        return Owner("deb", _distribution_package(path))


def owners_of_bundle(origins: Path, owners: Owners) -> list[Owner]:
    """Every owner of a file in the bundle, each once, sorted."""
    entries: list[tuple[str, str]] = json.loads(origins.read_text(encoding="utf-8"))
    return sorted({owners.of(target, source) for target, source in entries} | {Owner("part", PYINSTALLER)})


def _recorded_files(environment: Path) -> dict[Path, str]:
    """The package of every file in an environment, by what pip noted. Source: PEP 376, PEP 427."""
    found: dict[Path, str] = {}
    places = ("lib/python*/site-packages", "Lib/site-packages")  # the latter on Windows
    for record in (file for place in places for file in environment.glob(f"{place}/*.dist-info/RECORD")):
        name = normal(record.parent.name.split("-")[0])
        with record.open(encoding="utf-8", newline="") as rows:
            found |= {record.parent.parent / row[0]: name for row in csv.reader(rows)}
        found[record] = name
    return found


@cache
def _distribution_package(path: Path) -> str:
    """The Debian package of a system file; merged /usr makes two names of one file."""
    real = path.resolve()
    for name in (path, real, Path("/", *real.parts[2:]) if real.parts[1] == "usr" else real):
        asked = subprocess.run(["dpkg-query", "-S", str(name)], capture_output=True, text=True, check=False)
        lines = [line for line in asked.stdout.splitlines() if not line.startswith("diversion")]
        if lines:
            return lines[0].partition(":")[0]
    raise SystemExit(f"{path} belongs to no package of this system")

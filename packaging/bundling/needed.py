"""Which libraries are needed by what is in the bundle.

PyInstaller takes in what every plugin needs, before we drop plugins: without this the libraries of GTK and
Kerberos would stay (12.8 MB in 35 files). Linux only; elsewhere libraries come with the wheels.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

Entry = tuple[str, str, str]  # PyInstaller's: path in the bundle, path of the source, kind

# Where libraries lie that only another file's need brings in; all other native files are loaded by name.
_ONLY_IF_NEEDED = re.compile(r"(PySide6/Qt/lib/|numpy\.libs/)?lib(?!python)[^/]*\.so[^/]*$")


def needed_entries(entries: Iterable[Entry], needs: Callable[[str], list[str]]) -> list[Entry]:
    """The entries without the libraries that none of the others needs, not even by way of another library.

    `needs` gives the names of the libraries that a source file asks for.
    """
    all_entries = list(entries)
    files = [entry for entry in all_entries if entry[2] != "SYMLINK"]
    by_name = {PurePosixPath(target).name: (target, source) for target, source, _ in files}
    kept = {target for target, _, _ in files if not _ONLY_IF_NEEDED.match(target)}
    waiting = [source for target, source, _ in files if target in kept and ".so" in target]
    while waiting:
        for name in needs(waiting.pop()):
            target, source = by_name.get(name, ("", ""))
            if target and target not in kept:
                kept.add(target)
                waiting.append(source)
    return [entry for entry in all_entries if entry[0] in kept or _is_link_to(entry, kept)]


def _is_link_to(entry: Entry, kept: set[str]) -> bool:
    target, source, kind = entry
    return kind == "SYMLINK" and str(PurePosixPath(target).parent / source) in kept


def needs_of_elf(source: str) -> list[str]:
    """The libraries that a native file names as needed; none for any other file."""
    said = subprocess.run(["readelf", "-d", source], capture_output=True, text=True, check=False)
    return re.findall(r"\(NEEDED\)[^\[]*\[([^\]]+)\]", said.stdout)

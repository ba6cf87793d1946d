"""What each process of a bundle does before Retort's own code runs, kept to what is needed.

An answer takes three processes: the command line, the worker and the child that renders templates. What each
of them pays was measured (docs/PACKAGING.md, 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Entry = tuple[str, str, str]  # PyInstaller's: name, path of the source, kind

# PyInstaller's preparations for what Retort never does.
_NEVER = frozenset({"pyi_rth_inspect", "pyi_rth_multiprocessing"})
# Qt finds its plugins by where its library lies; the hook loads Qt into every worker. The other makes pkgutil
# see what is in the archive, and there is none.
_NEVER_ON_LINUX = frozenset({"pyi_rth_pyside6", "pyi_rth_pkgutil"})
_OUR_OWN = frozenset({"retort_entry", "plain_import"})


def has_module_files(system: str) -> bool:
    """Whether Python's modules are files instead of an archive in the executable.

    A process unpacks what it imports from the archive; a file it only reads. Not so on Windows and macOS,
    where it was not measured: a virus scanner looks into each file that is opened.
    """
    return system == "linux"


def needed_scripts(scripts: Iterable[Entry], system: str) -> list[Entry]:
    """The scripts that run in each process; on Linux, SystemExit for one that nobody has decided on."""
    if system != "linux":
        return [entry for entry in scripts if entry[0] not in _NEVER]
    kept = [entry for entry in scripts if entry[0] not in _NEVER | _NEVER_ON_LINUX]
    if unknown := {name for name, _, _ in kept} - _OUR_OWN:
        raise SystemExit(f"every process would run {', '.join(sorted(unknown))}: is it needed (start.py)?")
    return kept


def module_sources(modules: Iterable[Entry]) -> dict[str, str]:
    """The source of each module that is a file of the bundle, by the file's path in it.

    PyInstaller collects what it compiled, below the build's own folder, and this tells whose it is.
    """
    found = {}
    for name, source, _ in modules:
        if source and source != "-":  # a folder without a module has none
            inside = name.split(".") + (["__init__"] if Path(source).stem == "__init__" else [])
            found[str(Path(*inside).with_suffix(".pyc"))] = source
    return found

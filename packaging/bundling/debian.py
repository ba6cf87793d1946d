"""Under which licence a system library of Debian is, read from its package's copyright file.

Such a file is about the whole source: tools, tests and build scripts too, many of them under the GPL. Where
it names the GPL as the only choice for anything but Debian's own files, or is no machine-readable one,
`licences/debian.toml` has to say which words of it are the library's, and they must still be there.
Source: Debian's machine-readable copyright format 1.0.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bundling.expression import is_gpl_only

REVIEWED = Path(__file__).resolve().parents[1] / "licences" / "debian.toml"


def licence_of_package(name: str, copyright_text: str) -> str:
    """The licence of the library in a package; raises SystemExit where an unclear one was not looked at."""
    entry: dict[str, str] | None = _reviewed().get(name)
    if entry:
        if _folded(entry["words"]) not in _folded(copyright_text):
            raise SystemExit(f"{name}: its copyright file no longer says {entry['words']!r}; look at it anew")
        return entry["licence"]
    named = licences_named(copyright_text)
    alone = [licence for licence in named if is_gpl_only(licence)]
    if not named or alone:
        reason = f"something of it is under {', '.join(alone)}" if alone else "its copyright file is prose"
        raise SystemExit(f"{name}: {reason}; look at it and enter the library's licence into {REVIEWED.name}")
    return " AND ".join(f"({licence})" if " or " in licence.lower() else licence for licence in named)


def licences_named(copyright_text: str) -> list[str]:
    """What a machine-readable copyright file names for any file of the source's authors; else nothing."""
    if not re.match(r"(?i)format:", copyright_text.lstrip()):
        return []
    named = set()
    for paragraph in re.split(r"\n\s*\n", copyright_text):
        licence = re.search(r"^License:[ \t]*(\S.*)$", paragraph, re.MULTILINE)
        files = re.search(r"^Files:[ \t]*(.*(?:\n[ \t]+.*)*)", paragraph, re.MULTILINE)
        if licence and files and not all(name.startswith("debian/") for name in files[1].split()):
            named.add(licence[1].strip())
    return sorted(named)


def _reviewed() -> dict[str, dict[str, str]]:
    with REVIEWED.open("rb") as file:
        return tomllib.load(file)


def _folded(text: str) -> str:
    return " ".join(text.split())

"""What has been done in an environment, so that the next start need not look again.

The stamp lies inside the environment and dies with it. It holds what was installed (each lock file's digest,
the llama.cpp wheel's key) and what that depends on (this folder, this Python).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from set_up.places import Places, packages_in, python_in

NAME = "retort-stamp.json"
FORMAT = 1


def this_python() -> str:
    """Return which Python the environment is made with: it must be made anew with another one."""
    return f"{sys.implementation.cache_tag} {Path(sys.base_prefix).resolve()}"


@dataclass(slots=True)
class Stamp:
    """The parts that are done, each with what it was done for."""

    path: Path
    parts: dict[str, str] = field(default_factory=dict)
    packages_changed_ns: int = 0  # when a package last came or went, as the folder's time

    def has(self, part: str, wanted: str) -> bool:
        """Tell whether a part is done for exactly this."""
        return self.parts.get(part) == wanted

    def packages_touched(self, packages: Path) -> bool:
        """Tell whether packages came or went since we installed ours."""
        try:
            return packages.stat().st_mtime_ns != self.packages_changed_ns
        except OSError:
            return True

    def write(self, places: Places) -> None:
        """Write the stamp in one piece: half a stamp would be worse than none."""
        packages = packages_in(places.environment)
        self.packages_changed_ns = packages.stat().st_mtime_ns
        content = {
            "format": FORMAT,
            "root": str(places.root),
            "python": this_python(),
            "packages_changed_ns": self.packages_changed_ns,
            "parts": self.parts,
        }
        temporary = self.path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        temporary.replace(self.path)


def read_stamp(places: Places) -> Stamp | None:
    """Return the environment's stamp, or None where the environment has to be made (anew)."""
    path = places.environment / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        belongs = (content["format"], content["root"], content["python"]) == (
            FORMAT,
            str(places.root),
            this_python(),
        )
        stamp = Stamp(path, dict(content["parts"]), int(content["packages_changed_ns"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stamp if belongs and python_in(places.environment).exists() else None

"""Where everything lies: the clone, its environments and Retort's cache folder."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders that are written to; nothing outside them and the system's temporary folder is."""

    root: Path  # the clone
    cache: Path  # Retort's cache folder, the same one the application uses

    @property
    def environment(self) -> Path:
        """The virtual environment that everything runs in."""
        return self.root / ".venv"

    @property
    def build_environment(self) -> Path:
        """The environment with the tools that build llama.cpp; removed after the build."""
        return self.root / ".build-venv"

    @property
    def requirements(self) -> Path:
        """The folder of the lock files."""
        return self.root / "requirements"

    @property
    def wheels(self) -> Path:
        """The folder of the kept llama.cpp wheels, one folder per key."""
        return self.cache / "wheels"

    @property
    def built_in_model(self) -> Path:
        """The small model that comes with the clone."""
        return self.root / "resources" / "builtin" / "retort-builtin.gguf"

    def lock_digest(self, name: str) -> str:
        """Return the digest of a lock file's content."""
        return hashlib.sha256((self.requirements / name).read_bytes()).hexdigest()


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform, home: Path | None = None) -> Path:
    """Return Retort's cache folder: platformdirs' convention by hand, since nothing is installed yet."""
    if environ.get("RETORT_HOME"):
        return Path(environ["RETORT_HOME"]).absolute() / "cache"
    home = home or Path.home()
    if platform == "win32":
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return local / "retort" / "Cache"
    if platform == "darwin":
        return home / "Library" / "Caches" / "retort"
    kept = environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(kept) if kept and Path(kept).is_absolute() else home / ".cache") / "retort"


def places_of(run_py: str) -> Places:
    """Return the places of the clone that this run.py lies in, for the user who runs it."""
    return Places(root=Path(run_py).resolve().parent, cache=cache_folder(os.environ))


def python_in(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / "Scripts" / "python.exe" if os.name == "nt" else environment / "bin" / "python"


def packages_in(environment: Path) -> Path:
    """Return the folder of a virtual environment's packages, for the Python that runs this."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    return environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def address(root: Path, name: str) -> str:
    """Return a public address by its name in resources/addresses.json, the only place that has any."""
    import json  # noqa: PLC0415 - not needed at an ordinary start

    found: str = json.loads((root / "resources" / "addresses.json").read_text(encoding="utf-8"))[name]
    return found

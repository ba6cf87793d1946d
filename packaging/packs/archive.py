"""A pack's archive: the library's files, flat, and the manifest by which Retort checks each of them.

The archive of the same files is the same, byte by byte: no times, and a fixed order.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packs.pinned import LLAMA_COMMIT, WRAPPER_VERSION

_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}


def this_platform() -> str:
    """Return this computer's name as `engine.contract.packs.this_platform` says it; a test compares them."""
    machine = platform.machine().lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_MACHINES.get(machine, machine)}"


def make_archive(files: Iterable[Path], kind: str, options: tuple[str, ...], folder: Path) -> Path:
    """Write the archive of these files into a folder, named after what is in it; returns its path."""
    contents = {path.name: path.read_bytes() for path in sorted(files, key=lambda path: path.name)}
    listed = [
        {"name": name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    manifest = {
        "format": 1,
        "id": f"{kind}-{LLAMA_COMMIT[:7]}-{digest[:8]}",
        "kind": kind,
        "platform": this_platform(),
        "llama_commit": LLAMA_COMMIT,
        "wrapper_version": WRAPPER_VERSION,
        "files": listed,
        "options": list(options),
    }
    path = folder / f"retort-engine-{manifest['id']}-{manifest['platform']}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _add(archive, "manifest.json", json.dumps(manifest, indent=1).encode())
        for name, content in contents.items():
            _add(archive, name, content)
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = _PLAIN_FILE
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)

"""Zip files as a test wants them, which may be what no packer would write."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path


def read_zip(path: Path) -> dict[str, bytes]:
    """Every entry's content by its name."""
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def write_zip(path: Path, entries: Mapping[str, bytes], *, modes: Mapping[str, int] | None = None) -> Path:
    """Write entries in their order; `modes` has the file types of those that are no plain files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = ((modes or {}).get(name, stat.S_IFREG) | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path

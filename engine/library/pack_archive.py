"""A pack's archive: a zip file with a manifest and the library's files beside it, nothing else.

Whoever made an archive may want to write somewhere else than into the pack's folder, or to fill the disk: so
every entry is a plain file whose name the manifest lists, its size and its hash are those of the manifest,
and what does not agree is refused before anything has its name.
"""

import hashlib
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.contract.errors import PackRefused, StorageFailed
from engine.contract.packs import (
    LLAMA_COMMIT,
    MANIFEST_FORMAT,
    MANIFEST_NAME,
    WRAPPER_VERSION,
    PackManifest,
    this_platform,
)
from engine.library.atomic_file import sync_folder
from engine.library.names import is_valid_part

MAX_PACK_BYTES = 4 * 2**30  # CUDA's own libraries included; far above any build
MAX_MANIFEST_BYTES = 2**20
MAX_FILES = 200
PIECE_BYTES = 2**20
KEEP_FREE_BYTES = 256 * 2**20
# what zipfile says of bytes that are no archive, of methods that it does not know, and of passwords
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
)
_HEXADECIMAL = frozenset("0123456789abcdef")


def read_manifest(archive: Path) -> PackManifest:
    """The manifest of an archive whose entries are those that it lists; raises PackRefused."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return _checked_entries(opened)
    except (*_DAMAGED, OSError) as error:
        raise PackRefused(archive.name, f"it cannot be read ({error})") from error


def decode_manifest(content: bytes, where: str) -> PackManifest:
    """A manifest in which names, sizes and hashes are what they should be; raises PackRefused."""
    try:
        manifest = msgspec.json.decode(content, type=PackManifest)
    except msgspec.DecodeError as error:
        raise PackRefused(where, f"its manifest is not understood ({error})") from error
    names = [file.name.lower() for file in manifest.files]
    hashes = [(file.sha256, 64) for file in manifest.files] + [(manifest.llama_commit, 40)]
    if manifest.format != MANIFEST_FORMAT:
        raise PackRefused(where, f"its manifest has form {manifest.format}, {MANIFEST_FORMAT} is known here")
    if not (is_valid_part(manifest.id) and manifest.id.lower() not in ("builtin", "auto")):
        raise PackRefused(where, f"{manifest.id[:80]!r} is no name for a pack")
    if not 0 < len(names) <= MAX_FILES or len(set(names)) != len(names):
        raise PackRefused(where, "its manifest lists no files, too many, or one twice")
    if MANIFEST_NAME in names or not all(is_valid_part(file.name) for file in manifest.files):
        raise PackRefused(where, "a file in its manifest has a name that would lead out of the pack's folder")
    if any(len(text) != length or set(text) - _HEXADECIMAL for text, length in hashes):
        raise PackRefused(where, "a hash in its manifest is none")
    if any(file.size_bytes < 0 for file in manifest.files) or manifest.size_bytes > MAX_PACK_BYTES:
        raise PackRefused(where, f"its files are larger than {MAX_PACK_BYTES >> 30} GiB")
    return manifest


def check_made_for_this(manifest: PackManifest, where: str) -> None:
    """Raise PackRefused where a pack is of another llama.cpp or for another kind of computer."""
    if manifest.llama_commit != LLAMA_COMMIT or manifest.wrapper_version != WRAPPER_VERSION:
        raise PackRefused(
            where,
            f"it is made of llama.cpp {manifest.llama_commit[:9]} for llama-cpp-python "
            f"{manifest.wrapper_version}; this Retort has {LLAMA_COMMIT[:9]} and {WRAPPER_VERSION}",
        )
    if manifest.platform != this_platform():
        raise PackRefused(where, f"it is for {manifest.platform}, this is {this_platform()}")


def unpack(archive: Path, folder: Path, manifest: PackManifest, tell: Callable[[float], None]) -> None:
    """Write a pack's files into an empty folder, flushed to the disk; `tell` hears the fraction done.

    Raises PackRefused where bytes are not those of the manifest, StorageFailed where they have no room.
    """
    if shutil.disk_usage(folder).free < manifest.size_bytes + KEEP_FREE_BYTES:
        raise StorageFailed(str(folder), f"{manifest.size_bytes >> 20:,} MiB are needed")
    done = 0
    try:
        with zipfile.ZipFile(archive) as opened:
            if _checked_entries(opened) != manifest:
                raise PackRefused(archive.name, "it has changed while it was read")
            for file in manifest.files:
                with opened.open(file.name) as source:
                    found = _write(source.read, folder / file.name, file.size_bytes)
                if found != file.sha256:
                    raise PackRefused(archive.name, f"{file.name} in it is damaged")
                done += file.size_bytes
                tell(done / max(1, manifest.size_bytes))
        _write(_once(msgspec.json.encode(manifest)), folder / MANIFEST_NAME, MAX_MANIFEST_BYTES)
        sync_folder(folder)
    except _DAMAGED as error:
        raise PackRefused(archive.name, f"it is damaged ({error})") from error
    except OSError as error:
        raise StorageFailed(str(folder), error.strerror or str(error)) from error


def _checked_entries(opened: zipfile.ZipFile) -> PackManifest:
    """The manifest of an opened archive, whose entries are plain files and those that it lists."""
    where = Path(opened.filename or "").name
    entries = opened.infolist()
    by_name = {entry.filename: entry for entry in entries}
    if len(by_name) != len(entries):
        raise PackRefused(where, "it has a file twice")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if entry.is_dir() or kind not in (0, stat.S_IFREG):
            raise PackRefused(where, f"{entry.filename[:80]!r} in it is a folder, a link or a device")
    manifest_entry = by_name.pop(MANIFEST_NAME, None)
    if manifest_entry is None or manifest_entry.file_size > MAX_MANIFEST_BYTES:
        raise PackRefused(where, f"it has no {MANIFEST_NAME}: it is no pack")
    with opened.open(manifest_entry) as source:
        manifest = decode_manifest(source.read(MAX_MANIFEST_BYTES), where)
    listed = {file.name: file.size_bytes for file in manifest.files}
    if listed != {name: entry.file_size for name, entry in by_name.items()}:
        raise PackRefused(where, "its files are not those that its manifest lists")
    return manifest


def _write(read: Callable[[int], bytes], path: Path, most_bytes: int) -> str:
    """Write what is read, up to a limit that an honest source never reaches; returns its SHA-256."""
    digest, written = hashlib.sha256(), 0
    with path.open("xb") as target:
        while (piece := read(PIECE_BYTES)) and written <= most_bytes:
            digest.update(piece)
            target.write(piece)
            written += len(piece)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _once(content: bytes) -> Callable[[int], bytes]:
    pieces = [content, b""]
    return lambda _size: pieces.pop(0)

"""Engine packs: builds of llama.cpp's library for a kind of device, and what a probe says of one.

A pack is a folder `packs/<id>/` with a manifest and the library's files, made for exactly one commit of
llama.cpp and one version of its wrapper. The library that Retort ships with is no pack: it is called
`builtin`, is what every pack is compared with, and is what is left when all packs fail.
"""

import platform
import sys
from typing import Literal

import msgspec

from engine.contract.fit_messages import DeviceMemory

PackKind = Literal["cpu", "cuda", "vulkan", "metal"]
PackStep = Literal["reading", "unpacking", "probing", "fetching"]

BUILTIN_ENGINE = "builtin"
MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
# The commit that llama-cpp-python's source package holds, and that version: ctypes structures belong to both.
LLAMA_COMMIT = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"
WRAPPER_VERSION = "0.3.36"

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}


class PackFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a pack."""

    name: str  # without a folder
    size_bytes: int
    sha256: str  # hexadecimal


class PackManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack says of itself; everything in it is checked before it is believed."""

    format: int
    id: str  # of this build and no other, such as "vulkan-0c1e570-3f9a2b71"
    kind: PackKind
    platform: str  # as `this_platform` says it
    llama_commit: str  # 40 hexadecimal digits
    wrapper_version: str
    files: tuple[PackFile, ...]
    options: tuple[str, ...] = ()  # of the build

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)


class NativeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a loaded library turned out to be, told by the process that loaded it."""

    commit: str  # as the library says it: the beginning of the hash, perhaps with "-dirty" behind
    missing: tuple[str, ...]  # functions that it should have
    strangers: tuple[str, ...]  # parts of llama.cpp that were loaded from another folder
    defaults: dict[str, str]  # of every default params structure: "llama_context_params.n_ctx" → "512"
    devices: tuple[DeviceMemory, ...]
    tokens: tuple[int, ...] = ()  # that the built-in model goes on with, greedily
    margins: tuple[float, ...] = ()  # by how much the logit of each lay above the next best
    decode_tps: float = 0.0  # of those tokens
    seconds: float = 0.0  # that loading and all of this took


class PackReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a probe; `problem` is empty where the pack may be used."""

    problem: str
    devices: tuple[DeviceMemory, ...] = ()
    decode_tps: float = 0.0
    probed_at: float = 0.0  # seconds since 1970
    drivers: tuple[str, ...] = ()  # those that were installed then
    stamps: tuple[tuple[str, int, int], ...] = ()  # name, size, nanoseconds of the last change of each file


class EnginePack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that is here, or the library that ships with Retort."""

    id: str
    kind: PackKind
    size_bytes: int
    is_used: bool
    report: PackReport | None = None  # None before it was probed
    problem: str = ""  # why it cannot be used, whether or not it was probed


class PublishedPack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that can be fetched: an entry of `resources/engine_packs.json`, which pins its bytes."""

    id: str
    kind: PackKind
    platform: str
    file: str  # below the address
    size_bytes: int  # of the archive
    sha256: str
    address: str = "engine_packs"  # its name in resources/addresses.json


def this_platform() -> str:
    """This computer as manifests name it: "linux-x86_64", "macos-arm64", "windows-x86_64"."""
    machine = platform.machine().lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_MACHINES.get(machine, machine)}"

"""What a component consists of on this system: `resources/components/NAME.json`, written by a tool.

The wheels are those of the interpreter that runs this, for the same interpreter runs them: a bundle's own.
"""

import platform
import sys
from pathlib import Path

import msgspec

from engine.contract.component_messages import LockedWheel
from engine.contract.errors import InvalidRequest
from engine.contract.paths import resources


class ComponentLock(msgspec.Struct, frozen=True, kw_only=True):
    """One component on every system."""

    name: str
    version: str
    modules: tuple[str, ...]  # that it is there for
    unpacked_per_byte: float  # of the disk for a byte of wheels, as measured
    systems: dict[str, tuple[LockedWheel, ...]]  # by `this_system`

    @property
    def wheels(self) -> tuple[LockedWheel, ...]:
        """Those for this system; none where there are none."""
        return self.systems.get(this_system(), ())

    @property
    def download_bytes(self) -> int:
        """The wheels together."""
        return sum(wheel.size_bytes for wheel in self.wheels)

    @property
    def needed_bytes(self) -> int:
        """Of the disk while it is installed: the wheels and what is in them."""
        return round(self.download_bytes * (1 + self.unpacked_per_byte))


def this_system() -> str:
    """The system, the machine and the Python's version, for example `linux-x86_64-cp311`."""
    machine = platform.machine().lower()
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    return f"{sys.platform}-{machine}-{tag}"


def locks_folder() -> Path:
    """Where the locks lie."""
    return resources() / "components"


def read_locks() -> dict[str, ComponentLock]:
    """Every component that this version of Retort knows, by name."""
    decoder = msgspec.json.Decoder(ComponentLock)
    locks = [decoder.decode(path.read_bytes()) for path in sorted(locks_folder().glob("*.json"))]
    return {lock.name: lock for lock in locks}


def find_lock(name: str) -> ComponentLock:
    """A component by its name; raises InvalidRequest."""
    locks = read_locks()
    if name not in locks:
        raise InvalidRequest(f"there is no component {name!r:.40}, but {', '.join(locks)}")
    return locks[name]

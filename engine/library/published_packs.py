"""The packs that can be fetched: `resources/engine_packs.json`, which pins the bytes of each.

The list ships with Retort, so that whoever serves the archives cannot put others in their place.
"""

from pathlib import Path

import msgspec

from engine.contract.packs import PublishedPack, this_platform
from engine.contract.paths import resources


def published_packs(file: Path | None = None) -> tuple[PublishedPack, ...]:
    """The packs for this platform."""
    content = (file or resources() / "engine_packs.json").read_bytes()
    found = msgspec.json.decode(content, type=dict[str, tuple[PublishedPack, ...]])
    return tuple(pack for pack in found["packs"] if pack.platform == this_platform())

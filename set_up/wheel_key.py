"""Which llama-cpp-python wheel this computer needs."""

from __future__ import annotations

import hashlib
import platform
import re
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass

from set_up.cpu import feature_flags, features_key
from set_up.places import Places


@dataclass(frozen=True, slots=True)
class WheelKey:
    """What a wheel is good for: a version, a platform, a CPU and the user's own build options."""

    version: str
    tag: str  # the wheel's own: it serves every Python 3 of the platform
    features: str
    options: str  # digest of CMAKE_ARGS, or empty

    @property
    def name(self) -> str:
        """The name of the folder it is kept in."""
        return "-".join(part for part in (self.version, self.tag, self.features, self.options) if part)


def wheel_key(places: Places, environ: Mapping[str, str]) -> WheelKey:
    """Return the key of the wheel this computer needs."""
    lock = (places.requirements / "llama.txt").read_text(encoding="utf-8")
    version = re.search(r"^llama-cpp-python==(\S+)", lock, re.MULTILINE)
    assert version, "requirements/llama.txt names no version"
    options = environ.get("CMAKE_ARGS", "").strip()
    return WheelKey(
        version=version[1],
        tag="py3-none-" + re.sub(r"[^a-z0-9]", "_", sysconfig.get_platform().lower()),
        features=features_key(feature_flags(), platform.machine()),
        options=hashlib.sha256(options.encode()).hexdigest()[:12] if options else "",
    )


def fits(done: str | None, key: WheelKey, environ: Mapping[str, str]) -> bool:
    """Tell whether the installed wheel does: without CMAKE_ARGS the one built with them before stays."""
    if done is None:
        return False
    return done == key.name or ("CMAKE_ARGS" not in environ and done.startswith(f"{key.name}-"))

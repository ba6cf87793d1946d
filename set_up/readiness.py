"""What a start or a test run needs, and whether an environment has all of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from set_up.places import Places, packages_in
from set_up.stamp import Stamp
from set_up.wheel_key import WheelKey, fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is going to be started."""

    window: bool = False  # Qt's system libraries must be there
    tests: bool = False
    torch: bool = False


def wanted_for(words: list[str], environ: Mapping[str, str], platform: str = sys.platform) -> Wanted:
    """Return what a start with these words needs: no window for a command and where there is no display."""
    if words and not (len(words) == 1 and words[0].lower().endswith(".gguf")):  # the app opens such a file
        return Wanted()
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return Wanted(window=not platform.startswith("linux") or any(environ.get(name) for name in screens))


def is_ready(stamp: Stamp, places: Places, wanted: Wanted, key: WheelKey) -> bool:
    """Tell whether the stamp covers all that is wanted."""
    if stamp.packages_touched(packages_in(places.environment)):
        return False
    locks = ["base.txt", *(["test.txt"] if wanted.tests else []), *(["torch.txt"] if wanted.torch else [])]
    return (
        fits(stamp.parts.get("llama"), key, os.environ)
        and all(stamp.has(lock, places.lock_digest(lock)) for lock in locks)
        and stamp.has("system", "seen")
        and (not wanted.window or stamp.has("window", "seen"))
        and (not wanted.tests or ("screen" in stamp.parts and stamp.has("source", key.version)))
    )

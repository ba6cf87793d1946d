"""The slow way through set-up: look at everything, install what is missing, stamp each part when done."""

from __future__ import annotations

import os

from set_up import preconditions as pre
from set_up.environment import make_environment
from set_up.llama_source import try_to_keep_source
from set_up.llama_wheel import is_installed, kept_wheel, maintainers_index, provide_llama
from set_up.one_at_a_time import one_at_a_time
from set_up.pip import install_locked
from set_up.places import Places, packages_in
from set_up.progress import SetUpError, say, step
from set_up.readiness import Wanted, is_ready
from set_up.stamp import Stamp, read_stamp
from set_up.system_packages import (
    ENGINE_LIBRARIES,
    ON_LINUX,
    QT_LIBRARIES,
    SCREEN_PROGRAMS,
    X11_LIBRARIES,
    Need,
    missing_compiler,
    missing_libraries,
    missing_programs,
    missing_venv_module,
    provide,
    provide_optional,
)
from set_up.torch_wheel import install_torch, version_for_this_interpreter
from set_up.wheel_key import WheelKey, fits


def prepare_everything(places: Places, wanted: Wanted, key: WheelKey) -> None:
    """Look at everything that is wanted and do what is missing."""
    pre.check_python()
    pre.check_system()
    with one_at_a_time(places.root / ".set-up.lock"):
        stamp = read_stamp(places)
        if stamp and is_ready(stamp, places, wanted, key):
            return  # another run.py has done it while we waited
        make_cache_folder(places)
        Preparation(places, wanted, key, stamp).run()


def make_cache_folder(places: Places) -> None:
    """Make Retort's cache folder, or say which other one to name."""
    try:
        places.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SetUpError(
            f"the cache folder {places.cache} can't be made ({error.strerror}): "
            "set RETORT_HOME to a folder that you may write, and start again"
        ) from error


class Preparation:
    """One way through: system, disk space, environment, packages, llama.cpp, torch."""

    def __init__(self, places: Places, wanted: Wanted, key: WheelKey, stamp: Stamp | None) -> None:
        self.places, self.wanted, self.key, self.stamp = places, wanted, key, stamp
        done = stamp.parts.get("llama") if stamp else None
        self.needs_llama = not (fits(done, key, os.environ) and is_installed(places, key.version))
        has_kept = not self.needs_llama or kept_wheel(places, key) is not None
        self.index = None if has_kept else maintainers_index(places, key, os.environ)
        self.needs_build = not has_kept and self.index is None

    def run(self) -> None:
        """Do it all in order; what an earlier way through has done stays done."""
        seen = self.provide_system()
        pre.check_space(self.space_needs())
        if self.stamp is None:
            say(
                "Retort prepares itself, once: "
                + ("most of it is llama.cpp" if self.needs_build else "a minute")
            )
        stamp = self.stamp or make_environment(self.places)
        stamp.parts.update(seen)
        self.install_packages(stamp)
        if self.needs_llama:
            provide_llama(self.places, self.key, self.index)
            self.done(stamp, "llama", self.key.name)
        if self.wanted.torch:
            self.install_torch(stamp)
        if self.wanted.tests and not stamp.has("source", self.key.version):
            try_to_keep_source(self.places)
            self.done(stamp, "source", self.key.version)
        stamp.write(self.places)

    def done(self, stamp: Stamp, part: str, wanted: str) -> None:
        """Stamp a part as done."""
        stamp.parts[part] = wanted
        stamp.write(self.places)

    def provide_system(self) -> dict[str, str]:
        """Provide what the system must have, all in one go; return the parts that were seen."""
        missing = self.missing_needs()
        if missing:
            provide(self.missing_needs, missing)
        seen = {"system": "seen"}
        if self.wanted.window or self.wanted.tests:
            seen["window" if self.wanted.window else "offscreen"] = "seen"
        optional = self.missing_optional_needs()
        if optional:
            provide_optional(optional)
        if self.wanted.tests:
            seen["screen"] = "tried"
        return seen

    def missing_needs(self) -> list[Need]:
        """Return what is missing and can't be done without."""
        missing = [] if self.stamp else missing_venv_module()
        if self.needs_build:
            missing += missing_compiler(os.environ)
        if not ON_LINUX:
            return missing
        libraries = list(ENGINE_LIBRARIES)
        if self.wanted.window or self.wanted.tests:
            libraries += QT_LIBRARIES
        if self.wanted.window:
            libraries += X11_LIBRARIES
        return missing + missing_libraries(libraries)

    def missing_optional_needs(self) -> list[Need]:
        """Return what only the tests with a real window need."""
        if not self.wanted.tests or not ON_LINUX:
            return []
        if self.stamp and "screen" in self.stamp.parts:
            return []
        return missing_libraries(X11_LIBRARIES) + missing_programs(SCREEN_PROGRAMS)

    def space_needs(self) -> list[pre.SpaceNeed]:
        """Return how much will be written where."""
        places, parts = self.places, self.stamp.parts if self.stamp else {}
        steps = [
            ("base.txt" not in parts, pre.BASE_ENVIRONMENT_BYTES, pre.BASE_CACHE_BYTES),
            (self.wanted.tests and "test.txt" not in parts, pre.TEST_ENVIRONMENT_BYTES, pre.TEST_CACHE_BYTES),
            (
                self.wanted.torch and "torch.txt" not in parts,
                pre.TORCH_ENVIRONMENT_BYTES,
                pre.TORCH_CACHE_BYTES,
            ),
        ]
        needs = []
        for is_ahead, environment_bytes, cache_bytes in steps:
            if is_ahead:
                needs.append(pre.SpaceNeed(places.environment, environment_bytes))
                needs.append(pre.SpaceNeed(places.cache, cache_bytes))
        if self.needs_build:
            needs.append(pre.SpaceNeed(pre.temporary_folder(), pre.BUILD_TEMPORARY_BYTES))
        if self.needs_build or (self.wanted.tests and "source" not in parts):
            needs.append(pre.SpaceNeed(places.cache, pre.SOURCE_CACHE_BYTES))
        return needs

    def install_packages(self, stamp: Stamp) -> None:
        """Install the locked packages; the tests' lock holds the application's too."""
        touched = stamp.packages_touched(packages_in(self.places.environment))
        locks = ["test.txt", "base.txt"] if self.wanted.tests else ["base.txt"]
        digests = {lock: self.places.lock_digest(lock) for lock in locks}
        if not touched and all(stamp.has(lock, digest) for lock, digest in digests.items()):
            return
        with step("installing the packages for the tests" if self.wanted.tests else "installing packages"):
            install_locked(self.places, self.places.environment, locks[0])
        stamp.parts.update(digests)
        stamp.write(self.places)

    def install_torch(self, stamp: Stamp) -> None:
        """Install torch where the lock has it for this interpreter."""
        digest = self.places.lock_digest("torch.txt")
        version = version_for_this_interpreter(self.places)
        installed = list(packages_in(self.places.environment).glob("torch-*.dist-info"))
        if version and not (stamp.has("torch.txt", digest) and installed):
            install_torch(self.places, version)
        self.done(stamp, "torch.txt", digest)

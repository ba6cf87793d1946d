"""Make what users download: `python3 packaging/build.py TARGET`.

TARGET is bundle, all, or one of this system's own: tar, appdir, deb on Linux, nsis on Windows, dmg on macOS.
Everything lies in build/: the environment, llama.cpp's build, and in build/dist what was made. A maintainers'
tool; it needs the package index once, a C++ compiler, git, and for its target strip and dpkg-deb, makensis or
hdiutil.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from bundling.bundle import commit_time, make_bundle, print_sizes, set_times  # noqa: E402
from bundling.environment import build_environment  # noqa: E402
from bundling.linux import make_appdir, make_deb, make_tar, version, write_sums  # noqa: E402
from bundling.native import libraries_of_the_wheel, native_libraries  # noqa: E402
from installers.dmg import make_dmg  # noqa: E402
from installers.nsis import make_setup  # noqa: E402

from set_up.places import Places, cache_folder  # noqa: E402
from set_up.progress import SetUpError  # noqa: E402


def make_nsis(bundle: Path, root: Path) -> Path:
    """The installer for Windows."""
    icon = root / "build" / "work" / "app" / "retort.ico"  # made for the executables
    number = version(root)
    return make_setup(bundle, bundle.parent / f"retort-{number}-windows-{machine()}.exe", number, icon)


def make_image(bundle: Path, root: Path) -> Path:
    """The disk image for macOS."""
    return make_dmg(bundle, bundle.parent / f"retort-{version(root)}-macos-{machine()}.dmg")


def machine() -> str:
    """This architecture as the names of downloads have it."""
    return platform.machine().lower().replace("amd64", "x86_64")


MAKERS = {
    "linux": {"tar": make_tar, "appdir": make_appdir, "deb": make_deb},
    "win32": {"nsis": make_nsis},
    "darwin": {"dmg": make_image},
}
TARGETS = [target for makers in MAKERS.values() for target in makers]


def main() -> int:
    """Build one target; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=("bundle", *TARGETS, "all"))
    parser.add_argument(
        "--this-cpu",
        action="store_true",
        help="take the libraries run.py built; they run on CPUs like this one",
    )
    parser.add_argument("--keep-bundle", action="store_true", help="pack the bundle that is there already")
    chosen = parser.parse_args()
    if chosen.target in TARGETS and chosen.target not in MAKERS.get(sys.platform, {}):
        parser.error(f"{chosen.target} is made on its own system, and this is {sys.platform}")
    places = Places(root=ROOT, cache=cache_folder(os.environ))
    try:
        build(places, chosen.target, this_cpu=chosen.this_cpu, keep_bundle=chosen.keep_bundle)
    except SetUpError as error:
        print(f"packaging: {error}", file=sys.stderr)
        return 1
    return 0


def build(places: Places, target: str, *, this_cpu: bool, keep_bundle: bool) -> None:
    """Make the bundle, then what is asked of it, and say how large each became."""
    bundle = places.root / "build" / "dist" / "retort"
    if not (keep_bundle and bundle.is_dir()):
        environment = build_environment(places)
        native = libraries_of_the_wheel(places) if this_cpu else native_libraries(places, environment)
        bundle = make_bundle(places, environment, native)
    set_times(bundle, int(commit_time(places.root)))
    print(f"{bundle}:")
    print_sizes(bundle)
    if this_cpu:
        print("  its llama.cpp was built for this CPU: on an older one it dies of an illegal instruction")
    makers = MAKERS[sys.platform]
    wanted = [] if target == "bundle" else list(makers) if target == "all" else [target]
    made = [makers[name](bundle, places.root) for name in wanted]
    for path in made:
        if path.is_file():
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    write_sums(bundle.parent)


if __name__ == "__main__":
    sys.exit(main())

"""Say whether two builds have the same bytes: `python3 packaging/compare_builds.py FIRST SECOND`.

Each is a bundle's folder or a download. Given none, the newest commit is built here and again from a clone
in another folder, under another umask, and the two bundles are compared. The libraries of llama.cpp are built
anew for the second one only with --native-too, which takes 10 to 30 minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from set_up.places import cache_folder  # noqa: E402

BUNDLE = Path("build", "dist", "retort")


def content(built: Path) -> dict[str, str]:
    """Every file of a build with what distinguishes it: bytes and whether it can run, or a link's target."""
    if built.is_file():
        return {built.name: _digest(built)}
    found = {}
    for path in sorted(built.rglob("*")):
        if path.is_symlink():
            found[path.relative_to(built).as_posix()] = f"link to {path.readlink()}"
        elif path.is_file():
            found[path.relative_to(built).as_posix()] = f"{_digest(path)} {os.access(path, os.X_OK)}"
    return found


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """One line for each file that is not the same in both."""
    lines = []
    for name in sorted(first.keys() | second.keys()):
        if name not in second:
            lines.append(f"only in the first: {name}")
        elif name not in first:
            lines.append(f"only in the second: {name}")
        elif first[name] != second[name]:
            lines.append(f"differs: {name}")
    return lines


def build_twice(folder: Path, *, this_cpu: bool, native_too: bool) -> tuple[Path, Path]:
    """Build the newest commit here and in a clone below `folder`; returns both bundles."""
    clone = folder / "another" / "place"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    _build(ROOT, dict(os.environ), this_cpu=this_cpu)
    environ = os.environ | {"TZ": "Pacific/Auckland", "LC_ALL": "C"}
    if native_too:
        environ["XDG_CACHE_HOME"] = str(folder / "cache")
        sources = cache_folder(os.environ) / "sources"
        shutil.copytree(sources, cache_folder(environ) / "sources")
    os.umask(0o077)
    _build(clone, environ, this_cpu=this_cpu)
    return ROOT / BUNDLE, clone / BUNDLE


def _build(root: Path, environ: dict[str, str], *, this_cpu: bool) -> None:
    command = [sys.executable, "packaging/build.py", "bundle", *(["--this-cpu"] if this_cpu else [])]
    subprocess.run(command, check=True, cwd=root, env=environ, stdout=subprocess.DEVNULL)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """Compare two builds; 1 where they differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("builds", type=Path, nargs="*")
    parser.add_argument("--this-cpu", action="store_true", help="with the llama.cpp that run.py built")
    parser.add_argument("--native-too", action="store_true", help="build llama.cpp anew for the second one")
    chosen = parser.parse_args()
    if len(chosen.builds) not in (0, 2):
        parser.error("name two builds, or none")
    with tempfile.TemporaryDirectory(prefix="retort-compare-", dir=ROOT / "build") as folder:
        first, second = chosen.builds or build_twice(
            Path(folder), this_cpu=chosen.this_cpu, native_too=chosen.native_too
        )
        one = content(first)
        lines = differences(one, content(second))
    print("\n".join(lines) if lines else f"the same bytes in all {len(one)} files")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

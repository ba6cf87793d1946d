"""Make an engine pack: `python3 packaging/pack.py KIND`, one of cpu, vulkan, cuda, metal.

The archive lies in build/dist and is taken in by `retort packs install FILE`. `--from FOLDER` packs libraries
that were built before, such as those of an installed wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from packs.archive import make_archive  # noqa: E402
from packs.build import build, libraries  # noqa: E402
from packs.recipes import RECIPES, configure_options  # noqa: E402

from set_up.places import Places, cache_folder  # noqa: E402
from set_up.progress import SetUpError  # noqa: E402


def main() -> int:
    """Make one pack; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=RECIPES)
    parser.add_argument("--from", dest="built", type=Path, help="a folder of libraries that are built")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "dist", help="default: %(default)s")
    chosen = parser.parse_args()
    recipe = RECIPES[chosen.kind]
    try:
        if chosen.built is not None:
            files, options = libraries(chosen.built), tuple[str, ...]()
        else:
            places = Places(root=ROOT, cache=cache_folder(os.environ))
            files, options = build(places, recipe), configure_options(recipe)
        if not files:
            raise SetUpError(f"there is no library of llama.cpp in {chosen.built}")
    except (SetUpError, subprocess.CalledProcessError) as error:
        print(f"packaging: {error}", file=sys.stderr)
        return 1
    path = make_archive(files, recipe.kind, options, chosen.to)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

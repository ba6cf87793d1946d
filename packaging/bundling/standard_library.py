"""The whole standard library goes into the bundle: a component that is installed later may need any of it.

torch alone loads 266 of its modules, among them unittest; the application uses fewer.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from PyInstaller.utils.hooks import collect_submodules, is_package  # type: ignore[import-untyped]

from bundling.contents import NOT_SHIPPED

_OF_NO_USE = ("_", "antigravity", "this", "turtle", "distutils")  # setuptools has its own distutils


def standard_library() -> list[str]:
    """Its modules by name, without what is not shipped."""
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith(_OF_NO_USE))
    found: list[str] = []
    for name in names:
        if name not in NOT_SHIPPED and find_spec(name) is not None:  # some are another system's
            found += collect_submodules(name, on_error="ignore") if is_package(name) else [name]
    return [name for name in found if ".test" not in name]

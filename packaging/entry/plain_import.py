"""Runs first where Python's modules are files: no import asks PyInstaller's archive, which is empty then."""

import sys

sys.path_hooks[:] = [hook for hook in sys.path_hooks if "PyiFrozenFinder" not in repr(hook)]
sys.path_importer_cache.clear()

"""Which GPU drivers are installed: what a probe or a measurement held for, in words that can be compared.

Read from files that drivers leave behind; nothing of a driver is loaded. Where none is known, none is told.
"""

import sys
from datetime import datetime
from pathlib import Path

_VERSIONS = {  # Linux: files whose content is the version
    "nvidia": Path("/sys/module/nvidia/version"),
    "amdgpu": Path("/sys/module/amdgpu/version"),
}
_VULKAN = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))  # Linux: a file for each driver
_WINDOWS = ("nvcuda.dll", "vulkan-1.dll", "amdvlk64.dll", "igvk64.dll")


def driver_versions(root: Path = Path("/")) -> tuple[str, ...]:
    """Each driver with its version, or with the day of its file; `root` is where the system's files are."""
    if sys.platform == "win32":
        folder = root / "Windows" / "System32"
        return tuple(_dated(folder / name) for name in _WINDOWS if (folder / name).is_file())
    if sys.platform == "darwin":
        return ()  # Metal is a part of macOS
    found = []
    for name, path in _VERSIONS.items():
        try:
            found.append(f"{name} {(root / path.relative_to('/')).read_text(encoding='utf-8').strip()[:60]}")
        except (OSError, UnicodeDecodeError):
            continue
    manifests = (root / folder.relative_to("/") for folder in _VULKAN)
    found += [_dated(path) for folder in manifests for path in sorted(folder.glob("*.json"))]
    return tuple(found)


def _dated(path: Path) -> str:
    day = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d")
    return f"{path.name} of {day}"

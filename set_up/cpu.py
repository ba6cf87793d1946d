"""The CPU's instruction sets as a key: llama.cpp is compiled for this CPU and may not start on another."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from pathlib import Path

# Of Linux's x86 flags those that name instructions; the rest (mitigations, power) changes with the kernel.
X86_INSTRUCTIONS = re.compile(
    r"^(mmx|s?sse|pni|avx|amx|fma|f16c|bmi|abm|lzcnt|popcnt|movbe|v?aes|v?pclmul|gfni|sha|adx|xop|tbm|cx16|rdrnd|rdseed)"
)


def feature_flags(system: str = sys.platform) -> list[str]:
    """Return the names of this CPU's features, as the system tells them."""
    if system.startswith("linux"):
        try:
            with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as cpuinfo:
                return flags_in(cpuinfo.read(65536))
        except OSError:
            return []
    if system == "darwin":
        return _flags_of_macos()
    return platform.processor().split()


def flags_in(cpuinfo: str) -> list[str]:
    """Return the instruction sets of the first CPU in the text of /proc/cpuinfo."""
    found = re.search(r"^(flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    if not found:
        return []
    flags = found[2].split()
    return [flag for flag in flags if X86_INSTRUCTIONS.match(flag)] if found[1] == "flags" else flags


def _flags_of_macos() -> list[str]:
    import subprocess  # noqa: PLC0415 - slow to import and needed on macOS only

    names = ["machdep.cpu.brand_string", "machdep.cpu.features", "machdep.cpu.leaf7_features"]
    result = subprocess.run(["/usr/sbin/sysctl", "-i", *names], check=False, capture_output=True, text=True)
    return result.stdout.split()


def features_key(flags: list[str], machine: str) -> str:
    """Return 12 hexadecimal digits that change with the CPU's instructions, not with the flags' order."""
    return hashlib.sha256(" ".join([machine, *sorted(set(flags))]).encode()).hexdigest()[:12]

"""Sizes as people write and read them: 8GiB, 500 MB, 5,648,096."""

import re
from decimal import Decimal

UNITS = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


def parse_size(text: str) -> int:
    """Bytes; raises ValueError with what can be written."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].upper() not in UNITS:
        raise ValueError(f"{text!r} is no size: write bytes, or for example 500MB or 7.5GiB")
    return int(Decimal(match[1]) * UNITS[match[2].upper()])


def in_words(size_bytes: int) -> str:
    """A size with its exact bytes: 5.4 MiB (5,648,096 bytes)."""
    if size_bytes < 2**20:
        return f"{size_bytes:,} bytes"
    rounded = f"{size_bytes / 2**30:.2f} GiB" if size_bytes >= 2**30 else f"{size_bytes / 2**20:.1f} MiB"
    return f"{rounded} ({size_bytes:,} bytes)"

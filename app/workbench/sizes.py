"""Sizes of model files as people write and read them."""

import re

from app.translation import format_number, spoken_language, tr_count

_UNITS = {
    "": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4,
    "k": 2**10, "m": 2**20, "g": 2**30,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]*)")


def parse_size(text: str) -> int | None:
    """Bytes; None for what is no size. Both 7.5 and 7,5 are read."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS:
        return None
    return int(float(match[1].replace(",", ".")) * _UNITS[match[2]]) or None


def size_in_words(size_bytes: int) -> str:
    """A size in the units that memory is sold in: 5.42 GiB, 12.3 MiB."""
    for limit, unit, decimals in ((2**30, "GiB", 2), (2**20, "MiB", 1)):
        if size_bytes >= limit:
            return f"{format_number(size_bytes / limit, decimals)} {unit}"
    return f"{format_number(size_bytes / 1024, 1)} KiB"


def size_to_edit(size_bytes: int) -> str:
    """The same, so that `parse_size` reads it again."""
    unit, words = (2**30, "GiB") if size_bytes >= 2**30 else (2**20, "MiB")
    written = f"{size_bytes / unit:.1f}"
    return f"{written.replace('.', ',') if spoken_language() == 'de' else written} {words}"


def exact_bytes(size_bytes: int) -> str:
    """All its digits."""
    return tr_count(size_bytes, "{count} byte", "{count} bytes")

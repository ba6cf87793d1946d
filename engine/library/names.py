"""What a model may be called: publisher/repository/file, each part safe as a file name on every system."""

import re
from collections.abc import Iterable

MAX_PART_LENGTH = 121
QUANTIZATION_NAME = re.compile(  # as names of GGUF files have it
    r"(?:UD-)?(?:IQ[1-8]_[A-Z0-9_]+|T?Q[1-8](?:_[A-Z0-9]+)*|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|FP16|FP8)",
    re.IGNORECASE,
)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# what Windows keeps for devices, with any ending
_PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))
_RESERVED = frozenset({"con", "prn", "aux", "nul", *_PORTS})


def is_valid_part(part: str) -> bool:
    """Whether one part of a name is taken as it is, here and on every other system."""
    return (
        _PART.fullmatch(part) is not None
        and not part.endswith(".")
        and part.partition(".")[0].lower() not in _RESERVED
    )


def is_valid_name(name: str) -> bool:
    """Whether every part of a name is valid."""
    return all(is_valid_part(part) for part in name.split("/"))


def valid_part(text: str) -> str:
    """A valid part of a name as near as can be to any text, such as a file's name."""
    part = _UNSAFE.sub("-", text).strip("-._")[:MAX_PART_LENGTH].rstrip("-._")
    if is_valid_part(part):
        return part
    return f"model-{part}"[:MAX_PART_LENGTH] if part else "model"


def without_twin(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of name-2, name-3 … that differs from all others by more than case."""
    lowered = {other.lower() for other in taken}
    candidate, number = name, 1
    while candidate.lower() in lowered:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def short_names(names: Iterable[str]) -> dict[str, str]:
    """For each name its last part where no other name ends with it, else the whole name."""
    all_names = list(names)
    endings: dict[str, int] = {}
    for name in all_names:
        ending = name.rpartition("/")[2].lower()
        endings[ending] = endings.get(ending, 0) + 1
    return {
        name: name if endings[name.rpartition("/")[2].lower()] > 1 else name.rpartition("/")[2]
        for name in all_names
    }

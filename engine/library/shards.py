"""The parts of a model that is cut into several GGUF files: `name-00001-of-00003.gguf` and so on.

llama.cpp derives the other parts' names from the first one's, so a part of any other name cannot be found.
"""

import re
from pathlib import Path

MAX_PARTS = 10_000
_PART_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)


def part_paths(path: Path) -> tuple[Path, ...]:
    """Every part of the model that this file belongs to, in order; the file alone where it is whole."""
    match = _PART_NAME.fullmatch(path.name)
    if match is None:
        return (path,)
    stem, count = match["stem"], int(match["count"])
    if not 1 <= int(match["number"]) <= count <= MAX_PARTS:
        return (path,)
    return tuple(path.with_name(f"{stem}-{n:05}-of-{count:05}{path.suffix}") for n in range(1, count + 1))


def model_stem(path: Path) -> str:
    """The model's own name in a file's name: without the number of the part and without `.gguf`."""
    match = _PART_NAME.fullmatch(path.name)
    return match["stem"] if match else path.stem

"""How much llama.cpp takes of each device: it says so in its log only, one line per buffer."""

import re
from collections import defaultdict

from engine.contract.model_info import BufferPart, BufferSize

_LINE = re.compile(r"(\S+) +(model|KV|RS|compute|output) buffer size = +([\d.]+) MiB")
_PARTS: dict[str, BufferPart] = {
    "model": "weights",
    "KV": "kv_cache",
    "RS": "state",
    "compute": "compute",
    "output": "logits",
}
_IN_RAM = re.compile(r"CPU(_.+)?|.+_Host")  # rearranged, mapped, or where a GPU reads it quickly


class BufferLog:
    """Listens to the log while a model is loaded."""

    def __init__(self) -> None:
        """Nothing is heard yet."""
        self._bytes: dict[tuple[str, BufferPart], float] = defaultdict(float)

    def take(self, text: str) -> None:
        """Hear a piece of the log."""
        if "buffer size" not in text:  # of thousands of pieces; the expression is slow
            return
        for name, part, mib in _LINE.findall(text):
            device = "CPU" if _IN_RAM.fullmatch(name) else name
            self._bytes[device, _PARTS[part]] += float(mib) * 2**20

    def sizes(self) -> tuple[BufferSize, ...]:
        """What was heard, summed by device and part; to a hundredth of a MiB each."""
        return tuple(
            BufferSize(device=device, part=part, size_bytes=round(size))
            for (device, part), size in self._bytes.items()
        )

"""How often each expert of each layer was chosen: counted by the engine, kept small with the answer.

Kept as text: layers and experts, then the counts as 32-bit little-endian numbers, deflated, in base 64. The
58 layers of 256 experts of a DeepSeek-V3 take 10 to 20 kB so; models beyond MAX_CELLS are not kept.
"""

import base64
import binascii
import re
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_CELLS = 32_768
_WRITTEN = re.compile(r"(\d{1,5})x(\d{1,5}):([A-Za-z0-9+/=]*)")
_MOST = 2**32 - 1


@dataclass(frozen=True, slots=True)
class ExpertUse:
    """Counts (layers, experts); layers without experts count nothing and are all zero."""

    counts: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and experts of each."""
        return len(self.counts), len(self.counts[0]) if self.counts else 0

    @property
    def layers(self) -> list[int]:
        """The layers with experts: those that counted anything."""
        return [layer for layer, counts in enumerate(self.counts) if any(counts)]

    def shares(self, layer: int) -> list[float]:
        """Each expert's share of what its layer chose, from 0 to 1."""
        total = sum(self.counts[layer])
        return [count / total if total else 0.0 for count in self.counts[layer]]

    def hottest(self, part: float) -> float:
        """The share of all choices that the most used experts of each layer take, this part of them."""
        taken = total = 0
        for layer in self.layers:
            ordered = sorted(self.counts[layer], reverse=True)
            taken += sum(ordered[: max(1, round(part * len(ordered)))])
            total += sum(ordered)
        return taken / total if total else 0.0

    def written(self) -> str:
        """The counts as short text; empty where there are none, or far too many."""
        layers, experts = self.shape
        if not self.layers or layers * experts > MAX_CELLS:
            return ""
        cells = array("I", (min(count, _MOST) for row in self.counts for count in row))
        if sys.byteorder == "big":
            cells.byteswap()
        packed = base64.b64encode(zlib.compress(cells.tobytes(), 9)).decode("ascii")
        return f"{layers}x{experts}:{packed}"


def read_expert_use(text: str) -> ExpertUse | None:
    """The counts in a text that `written` made; None where there are none or it makes no sense."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    layers, experts = int(match[1]), int(match[2])
    size = 4 * layers * experts
    if not 0 < layers * experts <= MAX_CELLS:
        return None
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(base64.b64decode(match[3], validate=True), size + 1)
    except (binascii.Error, zlib.error):
        return None
    if len(data) != size:
        return None
    cells = array("I", data)
    if sys.byteorder == "big":
        cells.byteswap()
    return ExpertUse(tuple(tuple(cells[layer * experts :][:experts]) for layer in range(layers)))


def sum_expert_use(uses: Iterable[ExpertUse]) -> ExpertUse | None:
    """The sum of those that have the shape of the last one: others are of other models. None of nothing."""
    known = list(uses)
    if not known:
        return None
    fitting = [use.counts for use in known if use.shape == known[-1].shape]
    return ExpertUse(tuple(_sum_of(layers) for layers in zip(*fitting, strict=True)))


def add_written(first: str, counts: Sequence[Sequence[int]]) -> str:
    """What was kept of an answer, and what was counted as it went on."""
    more = ExpertUse(tuple(tuple(layer) for layer in counts))
    before = read_expert_use(first)
    total = sum_expert_use([before, more] if before and more.layers else [before or more])
    return total.written() if total else ""


def _sum_of(layers: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*layers, strict=True)))

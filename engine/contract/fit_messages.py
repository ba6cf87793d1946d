"""The messages about memory: what a model would take here, where it would go and how fast it would be.

The window paints `FitTold` as a card, before a download and before a load; `retort fit` prints it.
"""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams

FitPart = Literal[
    "weights",  # all that every token reads
    "experts",  # routed ones
    "mtp",
    "kv_cache",
    "latent",  # MLA's cache, in place of keys and values
    "state",  # of recurrent layers
    "compute",  # buffers for one batch, and its logits
    "projector",
    "draft_model",
    "process",  # native library, vocabulary
]
BackendName = Literal["llama", "torch"]
FitWhere = Literal[
    "cpu",  # no GPU is there, or wanted
    "gpu",  # all of it
    "experts_in_ram",  # routed experts of some layers or all; the rest on GPUs
    "layers_split",  # some layers on GPUs, the others in RAM
    "disk",  # weights beyond the RAM are read from the disk again and again
    "too_large",  # not even that: what cannot stay on the disk has no room
]


class DeviceMemory(msgspec.Struct, frozen=True, kw_only=True):
    """A device that holds weights, and its memory now; other programs' share is not in `free_bytes`."""

    name: str  # as the engine calls it: "CPU", "CUDA0"
    is_gpu: bool
    free_bytes: int
    total_bytes: int
    description: str = ""
    is_unified: bool = False  # its memory is the computer's own: what one takes the other has no more


class FitLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger."""

    part: FitPart
    device: str  # a DeviceMemory's name
    predicted_bytes: int
    actual_bytes: int | None = None  # where the model is or was in memory this way


class FitSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """Decode speed, from the bytes that a token reads and the measured speed of the memory."""

    slowest_tps: float
    fastest_tps: float
    bandwidth_bytes_per_s: float = 0.0  # of the RAM, as measured here


class FitMargin(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier loads taught about predictions: the median of actual over predicted."""

    factor: float = 1.0  # predictions were multiplied by it
    num_loads: int = 0  # that it was learned from


FitChange = Literal["kv_q8_0", "one_sequence", "half_context", "kv_q4_0", "quarter_context"]


class FitStep(msgspec.Struct, frozen=True, kw_only=True):
    """Something else to ask for, where what was asked for has no room."""

    change: FitChange
    load: LoadParams
    predicted_bytes: int
    where: FitWhere


class FitRequest(MessageBase, tag="fit", frozen=True, kw_only=True):
    """Ask what a model takes, before it is fetched or loaded; answered by FitTold.

    A model of the hub comes as a `shape`, made of its header by the gateway; `model` then is only its name.
    """

    request_id: str
    model: str
    load: LoadParams = LoadParams()
    shape: ModelShape | None = None


class FitTold(EventBase, tag="fit_told", frozen=True, kw_only=True):
    """The ledger, and what follows from it."""

    model: str
    backend: BackendName
    context_length: int
    trained_context_length: int  # 0 where unknown
    num_positions: int  # of the cache of all conversations together
    lines: tuple[FitLine, ...]
    devices: tuple[DeviceMemory, ...]
    where: FitWhere
    reason: str  # of the placement, in plain words
    load: LoadParams  # that the request's params come to, placement included
    steps: tuple[FitStep, ...] = ()  # what would take less, the cheapest in quality first
    speed: FitSpeed | None = None  # None where nothing is known of the devices' speed
    margin: FitMargin = FitMargin()
    reserve_bytes: int = 0  # of the RAM, left to other programs

    @property
    def predicted_bytes(self) -> int:
        """All of it."""
        return sum(line.predicted_bytes for line in self.lines)

    @property
    def actual_bytes(self) -> int | None:
        """All of it; None where it was not in memory yet."""
        known = [line.actual_bytes for line in self.lines if line.actual_bytes is not None]
        return sum(known) if known else None

    def bytes_on(self, device: str) -> int:
        """What a device is asked for."""
        return sum(line.predicted_bytes for line in self.lines if line.device == device)

"""How fast the host's time goes and how much memory it sees: what tests have otherwise than users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.contract.fit_messages import DeviceMemory
from engine.hardware.memory import available_bytes
from engine.host.pulse import MAX_SILENCE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a host takes as given."""

    minute_s: float = 60.0
    max_silence_s: float = MAX_SILENCE_S
    available_bytes: Callable[[], int] = available_bytes
    gpus: Callable[[], Sequence[DeviceMemory]] | None = None  # None asks the engine that is used

"""Who stays in memory: which models make room for another one, and which have been idle for too long.

Arithmetic on what is known of each model; measures nothing and ends nothing itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.contract.errors import ModelTooLarge
from engine.contract.settings import EngineSettings
from engine.host.worker_slot import ModelKey, WorkerSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A model that is in memory or on its way there."""

    key: ModelKey
    needed_bytes: int  # that it was given room for
    private_bytes: int  # that it has taken for itself; mapped weights count as available memory meanwhile
    idle_since: float | None  # monotonic seconds; None while it is in use

    @property
    def unclaimed_bytes(self) -> int:
        """Of the available memory, what this model will use yet."""
        return max(0, self.needed_bytes - self.private_bytes)


def resident_of(slot: WorkerSlot) -> Resident:
    """A worker's slot as it is now."""
    return Resident(
        key=slot.key,
        needed_bytes=slot.needed_bytes,
        private_bytes=slot.private_bytes,
        idle_since=slot.used_at if slot.is_idle else None,
    )


def make_room(
    residents: Sequence[Resident],
    wanted: ModelKey,
    needed_bytes: int,
    available_bytes: int,
    settings: EngineSettings,
) -> list[ModelKey]:
    """The models to unload before `wanted` is loaded: idle ones, those idle for longest first.

    The same model loaded another way goes in any case. Raises ModelTooLarge where unloading every idle model
    would not leave enough memory; without a reserve in the settings nothing is refused.
    """
    reserve_bytes = settings.memory_reserve_mib * 2**20
    free_bytes = available_bytes - reserve_bytes - sum(resident.unclaimed_bytes for resident in residents)
    idle = sorted(
        (resident for resident in residents if resident.idle_since is not None),
        key=lambda resident: (resident.key.model != wanted.model, resident.idle_since),
    )
    leaving: list[ModelKey] = []
    for resident in idle:
        has_room = free_bytes >= needed_bytes and len(residents) - len(leaving) < settings.models_at_once
        if has_room and resident.key.model != wanted.model:
            break
        leaving.append(resident.key)
        free_bytes += max(resident.needed_bytes, resident.private_bytes)
    if free_bytes < needed_bytes and reserve_bytes:
        raise ModelTooLarge(needed_bytes, max(0, free_bytes))
    return leaving


def overdue(
    residents: Sequence[Resident], now: float, settings: EngineSettings, minute_s: float = 60.0
) -> list[ModelKey]:
    """The models that have been idle for longer than the settings allow, or that are more than they allow."""
    idle = sorted(
        (resident for resident in residents if resident.idle_since is not None),
        key=lambda resident: resident.idle_since or 0.0,
    )
    keep_s = settings.keep_loaded_minutes * minute_s
    surplus = len(residents) - settings.models_at_once
    return [
        resident.key
        for index, resident in enumerate(idle)
        if index < surplus or (keep_s and now - (resident.idle_since or 0.0) > keep_s)
    ]

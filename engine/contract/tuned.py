"""What a search for a model's fastest settings found, as it is kept, shown and chosen from."""

import msgspec

from engine.contract.params import LoadParams

TYPICAL_PROMPT_TOKENS, TYPICAL_ANSWER_TOKENS = 512, 256


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with a setting, or the medians of several."""

    prompt_tps: float
    decode_tps: float
    resident_bytes: int  # the most that the worker held
    free_bytes: int  # left of the RAM to others
    context_length: int  # tokens of one conversation
    most_context: int  # that the free memory would hold besides, at most as many as were trained
    backend: str = ""
    backend_version: str = ""
    device: str = ""

    @property
    def exchange_s(self) -> float:
        """How long a typical exchange takes: 512 tokens are read and 256 written."""
        if not self.prompt_tps or not self.decode_tps:
            return float("inf")
        return TYPICAL_PROMPT_TOKENS / self.prompt_tps + TYPICAL_ANSWER_TOKENS / self.decode_tps


class TunedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that was measured."""

    load: LoadParams
    trial: Trial  # medians
    is_on_front: bool  # no other is better in everything


class TunedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found of one model, on one set of devices, with one build of the engine."""

    name: str
    content_key: str  # of the model's files, see engine.library.tuned_records
    devices: tuple[str, ...]  # drivers included
    engine_build: str
    best: LoadParams
    gain: float  # of the time of a typical exchange against the default; 0 where that stays
    rows: tuple[TunedRow, ...]
    tuned_at: float  # seconds since 1970

    def stale_because(self, devices: tuple[str, ...], engine_build: str) -> str:
        """Why it no longer holds, in words; empty where it does."""
        if self.devices != devices:
            return f"the devices were {', '.join(self.devices)} and are {', '.join(devices)}"
        if self.engine_build != engine_build:
            return f"the engine was {self.engine_build} and is {engine_build}"
        return ""

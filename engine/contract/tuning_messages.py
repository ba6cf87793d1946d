"""The messages about speed: a model that became slow, and the search for its fastest settings."""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.params import LoadParams
from engine.contract.tuned import TunedModel

ChangedThing = Literal["engine", "driver", "devices", "threads", "kv_type", "other_load"]
TuningAxis = Literal["placement", "threads", "drafts", "batch size", "flash attention", "KV type"]

TUNING_SECONDS = 90.0


class TuneRequest(MessageBase, tag="tune", frozen=True, kw_only=True):
    """Search for a model's fastest settings; answered by TuneProgress and TuneDone, and kept.

    The model is unloaded first. A CancelRequest ends the search with FinishedEvent; then nothing is kept.
    """

    request_id: str
    model: str
    seconds: float = TUNING_SECONDS

    def __post_init__(self) -> None:
        """Refuse a time in which nothing can be measured."""
        if not self.seconds >= 1:
            raise ValueError(f"seconds must be 1 or more, got {self.seconds}")


class TunedRequest(MessageBase, tag="tuned", frozen=True, kw_only=True):
    """What was found of a model before; answered by TunedTold."""

    request_id: str
    model: str


class TuneProgress(EventBase, tag="tune_progress", frozen=True, kw_only=True):
    """What the search has just learned."""

    load: LoadParams  # that was tried
    axis: TuningAxis
    share: float  # of the time that has passed, 0 to 1
    gain: float | None  # against the best so far: 0.1 is a tenth less time; None where it did not load
    is_best: bool = False
    problem: str = ""


class TuneDone(EventBase, tag="tune_done", frozen=True, kw_only=True):
    """The search has ended."""

    tuned: TunedModel


class TunedTold(EventBase, tag="tuned_told", frozen=True, kw_only=True):
    """What is known of a model."""

    model: str
    tuned: TunedModel | None
    stale_because: str = ""  # why it no longer holds; empty where it does


class SpeedChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was different when the model was as fast as it should be."""

    what: ChangedThing
    before: str
    now: str


class SpeedNotice(EventBase, tag="speed_notice", frozen=True, kw_only=True):
    """A model is much slower than it was, or runs on the CPU instead of a GPU; request_id is empty."""

    model: str  # as it is shown
    left_gpu: bool
    good_tps: float  # decode speed that it had
    decode_tps: float = 0.0  # now; 0 where it has not answered yet
    changes: tuple[SpeedChange, ...] = ()  # empty where nothing is known to be different


TuningRequest = TuneRequest | TunedRequest
TuningEvent = TuneProgress | TuneDone | TunedTold | SpeedNotice

"""The messages about removed models: what lies in the bin, bringing it back, and giving its room back."""

import msgspec

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import InstalledModel


class BinRequest(MessageBase, tag="bin", frozen=True, kw_only=True):
    """Which models were removed and can be brought back; answered by BinListed."""

    request_id: str


class RestoreRequest(MessageBase, tag="restore", frozen=True, kw_only=True):
    """Bring a removed model back to where it was; answered by ModelRestored."""

    request_id: str
    entry: str  # as BinnedModel has it


class EmptyBinRequest(MessageBase, tag="empty_bin", frozen=True, kw_only=True):
    """Delete removed models for good; answered by BinEmptied. Asking the user is up to whoever sends this."""

    request_id: str
    entries: tuple[str, ...] = ()  # empty stands for all
    older_than_days: float = 0.0  # of these, only what was removed so long ago


class BinnedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A removed model."""

    entry: str  # by which it is brought back
    name: str  # what it was called
    removed_at: float  # seconds since 1970
    size_bytes: int  # 0 for one that was only forgotten: its files are where they were
    days_left: float  # until it is deleted


class BinListed(EventBase, tag="bin_listed", frozen=True, kw_only=True):
    """The removed models, the newest first."""

    models: tuple[BinnedModel, ...]


class ModelRestored(EventBase, tag="model_restored", frozen=True, kw_only=True):
    """The model is in the library again."""

    model: InstalledModel


class BinEmptied(EventBase, tag="bin_emptied", frozen=True, kw_only=True):
    """What was deleted."""

    entries: tuple[str, ...]
    freed_bytes: int


BinQuestion = BinRequest | RestoreRequest | EmptyBinRequest
BinEvent = BinListed | ModelRestored | BinEmptied

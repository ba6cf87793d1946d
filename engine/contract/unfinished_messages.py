"""The messages about downloads that did not end: which there are, and giving their room back."""

import msgspec

from engine.contract.message_base import EventBase, MessageBase


class UnfinishedRequest(MessageBase, tag="unfinished", frozen=True, kw_only=True):
    """Which downloads have begun and not ended; answered by UnfinishedListed."""

    request_id: str


class DropUnfinishedRequest(MessageBase, tag="drop_unfinished", frozen=True, kw_only=True):
    """Delete what arrived of downloads; answered by UnfinishedDropped. Those under way are left alone.

    Asking the user is up to whoever sends this.
    """

    request_id: str
    files: tuple[str, ...] = ()  # names as UnfinishedDownload has them; empty stands for all
    older_than_days: float = 0.0  # of these, only what nothing was added to for so long


class UnfinishedDownload(msgspec.Struct, frozen=True, kw_only=True):
    """A file of which only a part is here."""

    file: str  # its name in the folder of unfinished files
    model: str  # what `retort pull` takes to go on, publisher/repository/file; empty where unknown
    arrived_bytes: int  # in whole blocks, which are not fetched again
    size_bytes: int  # 0 where unknown
    disk_bytes: int
    changed_at: float  # seconds since 1970
    is_active: bool  # some process fetches it now


class UnfinishedListed(EventBase, tag="unfinished_listed", frozen=True, kw_only=True):
    """The unfinished downloads, those that changed last first."""

    downloads: tuple[UnfinishedDownload, ...]


class UnfinishedDropped(EventBase, tag="unfinished_dropped", frozen=True, kw_only=True):
    """What was deleted."""

    files: tuple[str, ...]
    freed_bytes: int


UnfinishedQuestion = UnfinishedRequest | DropUnfinishedRequest
UnfinishedEvent = UnfinishedListed | UnfinishedDropped

"""The messages about newer versions of Retort: asked only on a click, and nothing is ever fetched."""

from engine.contract.message_base import EventBase, MessageBase


class UpdateRequest(MessageBase, tag="update", frozen=True, kw_only=True):
    """Ask whether there is a newer version; answered by UpdateTold."""

    request_id: str
    online: bool = False


class UpdateTold(EventBase, tag="update_told", frozen=True, kw_only=True):
    """The newest release, as its signed description says."""

    version: str
    date: str  # ISO 8601
    is_newer: bool  # than this one
    news: tuple[str, ...] = ()  # what is new, a sentence each; plain text
    page: str = ""  # where it can be had; opened only on a click

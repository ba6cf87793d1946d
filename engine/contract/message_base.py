"""What all messages of the wire have in common; they themselves are in `messages` and `hub_messages`."""

import msgspec


class MessageBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What requests and events have in common: a type tag in the JSON object."""


class EventBase(MessageBase, frozen=True, kw_only=True):
    """What every event carries."""

    request_id: str
    sequence: int = 0
    generation: int = 0

"""The tree that the messages of a conversation make: versions, branches, and what is hidden in the bin.

A message in the bin is hidden, not taken out: what hangs below it moves up to the nearest message that can be
seen, so that every message outside the bin can be reached and undoing a deletion is clearing one field.
"""

from collections.abc import Iterable, Iterator

from app.conversations.message import Message


class MessageTree:
    """Messages by id, in the order in which they came. Several may have no parent: the first was edited."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages: dict[str, Message] = {}
        self._children: dict[str | None, list[str]] = {}
        self._order: dict[str, int] = {}  # when each came; the clock may have been set back since
        for message in messages:
            self.add(message)

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._messages

    def __getitem__(self, message_id: str) -> Message:
        return self._messages[message_id]

    def add(self, message: Message) -> None:
        """Hang a new message below its parent."""
        self._messages[message.id] = message
        self._order[message.id] = len(self._order)
        self._children.setdefault(message.parent_id, []).append(message.id)

    def replace(self, message: Message) -> None:
        """Take the new record of a message; its place in the tree stays."""
        assert self._messages[message.id].parent_id == message.parent_id
        self._messages[message.id] = message

    def path_to(self, message_id: str | None) -> list[Message]:
        """The messages from the first one to this, without those in the bin."""
        path: list[Message] = []
        while message_id is not None and (message := self._messages.get(message_id)) is not None:
            if message.deleted_at is None:
                path.append(message)
            message_id = message.parent_id
        return path[::-1]

    def siblings(self, message_id: str) -> list[Message]:
        """The versions of a message, itself among them, in the order in which they came."""
        path = self.path_to(message_id)
        above = path[-2].id if len(path) > 1 else None
        return self.children(above)

    def children(self, message_id: str | None) -> list[Message]:
        """What can be seen directly below a message, or at the top; in the order in which it came."""
        found: list[Message] = []
        waiting = list(self._children.get(message_id, ()))
        while waiting:
            child = self._messages[waiting.pop()]
            if child.deleted_at is None:
                found.append(child)
            else:
                waiting += self._children.get(child.id, ())
        return sorted(found, key=lambda child: self._order[child.id])

    def newest_leaf(self, message_id: str | None) -> str | None:
        """Where the newest versions lead from here down; the message itself if nothing is below it."""
        while children := self.children(message_id):
            message_id = children[-1].id
        return message_id

    def branch(self, message_id: str) -> list[Message]:
        """A message and everything below it, without what is in the bin already."""
        found: list[Message] = []
        waiting = [message_id]
        while waiting:
            message = self._messages[waiting.pop()]
            if message.deleted_at is None:
                found.append(message)
            waiting += self._children.get(message.id, ())
        return found

"""What is typed and not sent, kept for each conversation and over a restart."""

from PySide6.QtCore import QObject, QTimer

from app.conversations.message import Draft
from app.conversations.store import ConversationStore

PAUSE_MS = 500  # with the write, a crash takes less than a second of typing


class DraftKeeper(QObject):
    """A conversation's id names its draft; an empty id the one of a conversation that has not begun."""

    def __init__(self, store: ConversationStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._drafts: dict[str, Draft] = {}  # what is newer than the file, or as new
        self._changed: set[str] = set()
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self.save)

    def draft(self, conversation_id: str) -> Draft:
        """What was typed last."""
        if conversation_id not in self._drafts:
            self._drafts[conversation_id] = self._store.draft(conversation_id)
        return self._drafts[conversation_id]

    def keep(self, conversation_id: str, draft: Draft) -> None:
        """Take what is typed now; it is on the disk within a second."""
        if draft != self.draft(conversation_id):
            self._drafts[conversation_id] = draft
            self._changed.add(conversation_id)
            if not self._pause.isActive():
                self._pause.start()

    def save(self) -> None:
        """Write what has changed now."""
        self._pause.stop()
        for conversation_id in self._changed:
            self._store.save_draft(conversation_id, self._drafts[conversation_id])
        self._changed.clear()

"""The settings of the conversation that is shown: read, changed, and kept once the conversation is."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.conversations.conversation import Message
from app.conversations.presets import Preset
from app.conversations.settings import ConversationSettings
from app.conversations.store import ConversationStore
from app.engine_link.chat_session import ChatSession


class ChatSettings(QObject):
    """Follows the session it is given; a change counts from the next message on."""

    changed = Signal()

    def __init__(self, store: ConversationStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._session: ChatSession | None = None

    @property
    def current(self) -> ConversationSettings:
        """What is set."""
        return self._session.conversation.settings if self._session else ConversationSettings()

    def follow(self, session: ChatSession) -> None:
        """Show the settings of this conversation from now on."""
        if self._session is not None:
            self._session.message_appended.disconnect(self._keep_new)
        self._session = session
        session.message_appended.connect(self._keep_new)
        self.changed.emit()

    def change(self, **values: Any) -> None:
        """Set some fields of the settings."""
        self._put(replace(self.current, **values))

    def set_sampling(self, name: str, value: float | int | None) -> None:
        """Set one of the sampling params; None gives its default back."""
        sampling = {other: kept for other, kept in self.current.sampling.items() if other != name}
        if value is not None:
            sampling[name] = value
        self._put(replace(self.current, sampling=sampling))

    def use_preset(self, preset: Preset) -> None:
        """Take a preset's values in place of all that are set; the system prompt stays where it has none."""
        self._put(
            replace(
                self.current,
                preset=preset.name,
                sampling=dict(preset.sampling),
                max_tokens=preset.max_tokens,
                stop=preset.stop,
                system_prompt=preset.system_prompt or self.current.system_prompt,
            )
        )

    def _put(self, settings: ConversationSettings) -> None:
        if self._session is None or settings == self.current:
            return
        self._session.conversation.settings = settings
        if not self._session.conversation.is_empty:
            self._store.save_settings(self._session.conversation.id, settings)
        self.changed.emit()

    def _keep_new(self, message: Message) -> None:
        """A conversation is kept from its first message on, and its settings with it."""
        if message.parent_id is None and self._session is not None:
            self._store.save_settings(self._session.conversation.id, self.current)

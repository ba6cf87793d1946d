"""The settings of the conversation that is shown, whichever it is: read and changed in one place."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QMetaObject, QObject, Signal

from app.conversations.presets import Preset
from app.conversations.settings import ConversationSettings
from app.engine_link.chat_session import ChatSession


class ChatSettings(QObject):
    """Follows the session it is given; a change counts from the next message on."""

    changed = Signal()

    def __init__(self, session: ChatSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._connection: QMetaObject.Connection = session.settings_changed.connect(self.changed)

    @property
    def current(self) -> ConversationSettings:
        """What is set."""
        return self._session.conversation.settings

    def follow(self, session: ChatSession) -> None:
        """Show the settings of this conversation from now on."""
        QObject.disconnect(self._connection)
        self._session = session
        self._connection = session.settings_changed.connect(self.changed)
        self.changed.emit()

    def change(self, **values: Any) -> None:
        """Set some fields of the settings."""
        self._session.change_settings(replace(self.current, **values))

    def set_sampling(self, name: str, value: float | int | None) -> None:
        """Set one of the sampling params; None gives its default back."""
        sampling = {other: kept for other, kept in self.current.sampling.items() if other != name}
        self.change(sampling=sampling if value is None else {**sampling, name: value})

    def use_preset(self, preset: Preset) -> None:
        """Take a preset's values in place of all that are set; the system prompt stays where it has none."""
        values: Mapping[str, Any] = {
            "preset": preset.name,
            "sampling": dict(preset.sampling),
            "max_tokens": preset.max_tokens,
            "stop": preset.stop,
            "system_prompt": preset.system_prompt or self.current.system_prompt,
        }
        self.change(**values)

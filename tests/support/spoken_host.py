"""A host whose words are the test's, for the real client of the window."""

from typing import cast

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from engine.contract.messages import Message, Request


class SpokenHost(QObject):
    """Notes what it is asked; `say` lets it answer."""

    message_arrived = Signal(object)
    died = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Request] = []

    def send(self, request: Request) -> None:
        """Note it."""
        self.asked.append(request)

    def say(self, message: Message) -> None:
        """Let a message arrive."""
        self.message_arrived.emit(message)

    def start(self) -> None:
        """There is no process."""

    def close(self) -> None:
        """There is no process."""


def client_of(host: SpokenHost) -> EngineClient:
    """The window's client, spoken to by this host."""
    return EngineClient(cast(HostProcess, host))

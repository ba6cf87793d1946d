"""An engine client whose host is the test: it notes what is asked, and the test says what comes."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from engine.contract.messages import Request


class AskedClient(QObject):
    """Has those signals of the engine client that subjects of their own listen to."""

    arrived = Signal(object)
    finished = Signal(str, object)
    failed = Signal(str, object)
    engine_noticed = Signal(object)
    speed_noticed = Signal(object)

    def __init__(self) -> None:
        """Nothing was asked yet."""
        super().__init__()
        self.asked: list[Request] = []
        self.cancelled: list[str] = []

    def ask(self, make: Callable[[str], Request]) -> str:
        """Give the request an id: r1, r2 …"""
        self.asked.append(make(f"r{len(self.asked) + 1}"))
        return self.asked[-1].request_id

    def cancel(self, request_id: str) -> None:
        """Note it."""
        self.cancelled.append(request_id)

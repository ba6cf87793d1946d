"""Carries the store's reports from its writer's thread to the window's thread."""

from PySide6.QtCore import QObject, Signal

from app.conversations.writer import WriteReports


class SaveNotices(QObject):
    """Give `reports` to the store; whoever listens to the signals is called on its own thread."""

    saved = Signal(int)  # sequence number
    failed = Signal(int, str)  # sequence number, reason
    blocked = Signal(str)  # reason: nothing can be written for now
    unblocked = Signal()

    @property
    def reports(self) -> WriteReports:
        """What the store calls."""
        return WriteReports(
            on_saved=self.saved.emit,
            on_failed=self.failed.emit,
            on_blocked=self.blocked.emit,
            on_unblocked=self.unblocked.emit,
        )

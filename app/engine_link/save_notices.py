"""Carries the store's callbacks from its writer thread to the window's thread."""

from PySide6.QtCore import QObject, Signal


class SaveNotices(QObject):
    """Give `saved.emit` and `failed.emit` to the store; whoever listens here is called on its own thread."""

    saved = Signal(int)  # sequence number
    failed = Signal(int, str)  # sequence number, reason

"""Files that the desktop hands to the running application: on macOS a double click comes as an event.

Elsewhere it comes as the argument of a second start (`owner_lock`).
"""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtGui import QFileOpenEvent


class OpenedFiles(QObject):
    """Tells of every file that the desktop asks the application to open."""

    opened = Signal(str)  # its path

    def __init__(self, application: QCoreApplication) -> None:
        """Listen for as long as this object lives."""
        super().__init__(application)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the events that name a file of this computer."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self.opened.emit(event.file())
            return True
        return super().eventFilter(watched, event)

"""One window for each data folder: a second start asks the first window to come forward, and ends."""

import uuid
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QLockFile, QObject, Signal


class OwnerLock(QObject):
    """The lock of a data folder, and the folder of requests beside it through which its owner is asked."""

    asked = Signal(str)  # a model file to open; empty for none

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._lock = QLockFile(str(folder / "window.lock"))
        self._lock.setStaleLockTime(0)  # only a dead owner makes it stale, never age
        self._requests = folder / "requests"
        self._watcher: QFileSystemWatcher | None = None

    def take(self) -> bool:
        """Become the owner; False where another window is it."""
        if not self._lock.tryLock(0):
            return False
        self._requests.mkdir(mode=0o700, exist_ok=True)
        for left in self._requests.iterdir():  # meant for a window that is gone
            left.unlink(missing_ok=True)
        return True

    def ask_owner(self, model_file: str) -> None:
        """Ask the window that is open to come forward, and to open this file if one is named."""
        self._requests.mkdir(mode=0o700, exist_ok=True)
        path = str(Path(model_file).absolute()) if model_file else ""
        request = self._requests / f"{uuid.uuid4().hex}.part"
        request.write_text(path, encoding="utf-8")
        request.rename(request.with_suffix(".request"))

    def listen(self) -> None:
        """Tell of requests since `take`; only for the owner."""
        self._watcher = QFileSystemWatcher([str(self._requests)], self)
        self._watcher.directoryChanged.connect(self._read)
        self._read()

    def release(self) -> None:
        """Let another window become the owner."""
        self._lock.unlock()

    def _read(self) -> None:
        for request in sorted(self._requests.glob("*.request")):
            model_file = request.read_text(encoding="utf-8")
            request.unlink(missing_ok=True)
            self.asked.emit(model_file)

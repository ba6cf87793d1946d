"""The last words of a child process: its stderr is always drained, and the end of it kept."""

import re
import sys
import threading
from typing import IO

KEPT_BYTES = 8 * 1024
# what ggml, the C++ runtimes and Python print before they end the process
_LAST_WORDS = re.compile(
    r"^.*(?:"
    r"GGML_ASSERT\(.*\) failed"
    r"|[\w.-]+\.(?:c|cc|cpp|cu|cuh|h|hpp|m|mm):\d+: .+"  # GGML_ABORT, with its place in the source
    r"|terminate called.*(?:\n\s*what\(\):.*)?"
    r"|libc\+\+abi: terminating.*"
    r"|Fatal Python error: .*"
    r")",
    re.MULTILINE,
)


class StderrTail:
    """Reads a child's stderr on a thread of its own, passes it on to ours and keeps its end."""

    def __init__(self, stream: IO[bytes], *, name: str, echo: bool) -> None:
        """Start reading; `echo` passes the text on to this process's stderr."""
        self._stream = stream
        self._echo = echo
        self._kept = b""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name=f"{name}-stderr", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last 8 KiB."""
        with self._lock:
            return self._kept.decode("utf-8", errors="replace")

    def join(self, timeout_s: float) -> None:
        """Wait until the child's last words have been read."""
        self._thread.join(timeout_s)

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                with self._lock:
                    self._kept = (self._kept + line)[-KEPT_BYTES:]
                if self._echo:
                    sys.stderr.write(line.decode("utf-8", errors="replace"))
                    sys.stderr.flush()


def find_assertion(stderr: str) -> str:
    """What ggml or a runtime said when it gave up, in one line; empty where it said nothing."""
    found = [match.group() for match in _LAST_WORDS.finditer(stderr)]
    return " ".join(found[-1].split()) if found else ""

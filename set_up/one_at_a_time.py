"""One set-up at a time in one clone: two run.py at once must not write the same environment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from set_up.progress import SetUpError, say

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock file; wait for whoever holds it. The system lets go of it when a process dies."""
    try:
        file = path.open("ab")
    except OSError as error:
        raise SetUpError(
            f"{path.parent} can't be written ({error.strerror}): make it writable for you"
        ) from error
    with file:
        waits = False
        while True:
            try:
                _try_lock(file)
                break
            except OSError:
                if not waits:
                    say("another run.py is preparing this folder: waiting for it")
                waits = True
                time.sleep(0.5)
        yield

"""A worker does not outlive the host, nor a small child its worker, even where it hears nothing any more.

The end of stdin ends both on every system while they listen. For those stuck in a computation Linux is asked
to kill them with their parent, macOS's watch it by a thread, and on Windows the host puts all into a job.
"""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
WATCH_INTERVAL_S = 2.0


def end_with_parent(parent_pid: int) -> None:
    """See to it that this process ends with its parent; ends at once if that is dead already.

    Linux watches the parent's thread that started this process. The host starts its workers from its deciding
    thread, a worker its children from its main thread: both live as long as their process does.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:  # it died before it could be watched
            os._exit(0)
    elif sys.platform != "win32":
        threading.Thread(target=_watch, args=(parent_pid,), name="parent-watch", daemon=True).start()


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(WATCH_INTERVAL_S)
    os._exit(0)

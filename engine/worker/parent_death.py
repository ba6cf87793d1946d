"""A worker does not outlive the host: the operating system is asked to see to it, where it can.

The end of stdin ends a worker on every system, as long as its threads can run; on Linux the kernel is asked
as well, which also ends one that is stuck in native code. On Windows the host puts its workers into a job.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent_pid: int) -> None:
    """Ask for a kill when the thread that started this process dies; ends at once if it is dead already.

    The host starts every worker from its deciding thread, which lives as long as the host does.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before it could be watched
        os._exit(0)

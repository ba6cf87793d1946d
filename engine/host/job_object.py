"""Windows: every child in a job that the system ends with the host, however the host ends.

Written after Microsoft's documentation of job objects, not yet run on Windows. Elsewhere nothing is done: the
end of stdin and, on Linux, the parent-death signal do the same.
"""

import ctypes
import logging
import subprocess
import sys
from functools import cache

_KILL_ON_JOB_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
_EXTENDED_LIMIT_INFORMATION = 9  # JobObjectExtendedLimitInformation

log = logging.getLogger("retort.host")


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = [
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    ]


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION; its six counters of I/O are 64 bits each."""

    _fields_ = [
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


def tie_to_this_process(child: subprocess.Popen[bytes]) -> None:
    """See to it that the child ends with this process; said in the log where the system refuses."""
    if sys.platform == "win32":
        job, handle = _job(), int(child._handle)  # type: ignore[attr-defined]
        if job and not _kernel32().AssignProcessToJobObject(job, handle):
            log.warning("the worker could not be put into the job: error %d", ctypes.get_last_error())


if sys.platform == "win32":

    @cache
    def _kernel32() -> ctypes.WinDLL:
        library = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = ctypes.c_void_p
        library.CreateJobObjectW.restype = handle
        library.CreateJobObjectW.argtypes = [ctypes.c_void_p, ctypes.c_wchar_p]
        library.SetInformationJobObject.argtypes = [handle, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32]
        library.AssignProcessToJobObject.argtypes = [handle, handle]
        return library

    @cache
    def _job() -> int | None:
        """The one job of this process; its handle is never closed, so it closes with the process."""
        job: int | None = _kernel32().CreateJobObjectW(None, None)
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        size = ctypes.sizeof(limits)
        if not job or not _kernel32().SetInformationJobObject(
            job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), size
        ):
            log.warning("there is no job for workers: error %d", ctypes.get_last_error())
            return None
        return job

"""How a process ended, in words: POSIX signals, and the exception codes of Windows (ntstatus.h)."""

_SIGNALS = {
    1: "the end of its terminal",
    2: "an interrupt",
    4: "an illegal instruction: this processor lacks one that the library uses",
    5: "a trap",
    6: "an abort",
    7: "a bus error: a file that it had mapped became shorter, or its drive went away",
    8: "an arithmetic error",
    9: "a kill, as the system does it where memory runs out",
    10: "a bus error",  # macOS's number
    11: "a segmentation fault",
    15: "a request to end",
    24: "the limit of processor time",
    25: "the limit of a file's size",
    31: "a system call that is not allowed",
}
_WINDOWS = {
    0xC0000005: "an access violation",
    0xC0000006: "a read error of a file that it had mapped",
    0xC0000017: "want of memory",
    0xC000001D: "an illegal instruction: this processor lacks one that the library uses",
    0xC000007B: "a library for another kind of processor",
    0xC0000094: "an arithmetic error",
    0xC00000FD: "a stack overflow",
    0xC000012D: "want of memory",
    0xC0000135: "a missing library",
    0xC0000139: "a library of another version",
    0xC000013A: "an interrupt",
    0xC0000142: "a library that could not be started",
    0xC0000409: "an abort",
    0xE06D7363: "an uncaught C++ exception",
}

EXIT_WORDS = frozenset(_SIGNALS.values()) | frozenset(
    _WINDOWS.values()
)  # for who says them in another language


def describe_exit(exit_status: int) -> str:
    """Say an exit status in words: negative numbers are POSIX signals, large ones Windows exceptions."""
    if exit_status < 0 and -exit_status in _SIGNALS:
        return _SIGNALS[-exit_status]
    if (code := exit_status & 0xFFFFFFFF) in _WINDOWS:
        return _WINDOWS[code]
    if -128 < exit_status < 0:
        return f"signal {-exit_status}"
    return f"exit status {exit_status}" if exit_status >= 0 else f"exit status {code:#x}"

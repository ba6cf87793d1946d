"""Ctrl+C at a terminal reaches the whole process group: the answer ends, and nothing is left behind."""

import os
import signal
import subprocess
import sys

import pytest

from engine.contract.processes import child_environment

# A shell's background job is started deaf to Ctrl+C, and so would be whatever runs in it: not so here.
HEARING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_stops_the_answer_without_a_traceback() -> None:
    words = ("-m", "app", "run", "fake:rate=50,tokens=100000", "x")
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"The"
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (1, b"")

"""Proof that Retort needs no network and asks for none: the whole application, watched by the kernel.

`python tests/offline/run_offline.py` runs `whole_application.py` twice on Linux: in a network namespace that
has nothing but loopback (needs `unshare`), and beside the real network, both times under a trace of every
system call that can name an address (needs `strace`). It returns 1 where a step fails or where anything but
this computer was named; what cannot be watched on a system is said and counts as a failure, not as a proof.
"""

import ipaddress
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "tests.offline.whole_application"
TRACED = "trace=execve,connect,sendto,sendmsg,sendmmsg,bind"
INSIDE = "--inside"
_ADDRESS = re.compile(
    r"(?P<call>\w+)\(.*?sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:inet_addr\("(?P<v4>[^"]+)"\)|inet_pton\(AF_INET6, "(?P<v6>[^"]+)")'
)
_DNS_PORT = 53


def strangers(lines: Iterable[str]) -> list[str]:
    """The traced calls that name anything but this computer, or a name server wherever it is."""
    found = []
    for line in lines:
        for match in _ADDRESS.finditer(line):
            address = ipaddress.ip_address(match["v4"] or match["v6"])
            listens = match["call"] == "bind" and address.is_unspecified and match["port"] == "0"
            if not listens and (not address.is_loopback or int(match["port"]) == _DNS_PORT):
                found.append(line.strip())
    return found


def watched(log: Path) -> list[str]:
    """The command that runs the application under a trace."""
    trace = ["strace", "-f", "-qq", "-e", TRACED, "-e", "signal=none", "-o", str(log)]
    return [*trace, sys.executable, "-m", SCRIPT]


def run(log: Path, *, alone: bool) -> bool:
    """One run; true where every step worked and nobody else was spoken to."""
    with tempfile.TemporaryDirectory(prefix="retort-offline-") as home:
        environment = os.environ | {"RETORT_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, str(Path(__file__)), INSIDE, *watched(log)] if alone else watched(log)
        before = ["unshare", "-rn"] if alone else []
        done = subprocess.run([*before, *command], cwd=ROOT, env=environment, check=False)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    spoken_to = strangers(lines)
    for line in spoken_to[:20]:
        print(f"NAMED SOMEBODY ELSE: {line}")
    where = "with loopback alone" if alone else "beside the real network"
    processes = sum("execve(" in line and line.endswith("= 0") for line in lines)
    calls = len([line for line in lines if "execve(" not in line])
    print(f"{where}: {processes} programs, {calls} calls, {len(spoken_to)} named somebody else")
    return done.returncode == 0 and not spoken_to and processes > 1  # one alone was not followed


def go_inside(command: list[str]) -> int:
    """In the new namespace: wake loopback up, make sure that nothing else is there, become the command."""
    import fcntl  # noqa: PLC0415  (of Unix alone)
    import socket  # noqa: PLC0415

    others = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    if others == ["lo"]:
        with socket.socket() as handle:
            fcntl.ioctl(handle, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
        os.execvp(command[0], command)
    print(f"this is no namespace of its own: {others}", file=sys.stderr)
    return 1


def main(words: list[str]) -> int:
    """Both runs."""
    if words[:1] == [INSIDE]:
        return go_inside(words[1:])
    missing = [tool for tool in ("unshare", "strace") if shutil.which(tool) is None]
    if missing or sys.platform != "linux":
        print(f"cannot be shown here: {', '.join(missing) or sys.platform} cannot watch the application")
        return 1
    with tempfile.TemporaryDirectory(prefix="retort-trace-") as folder:
        results = [run(Path(folder) / f"trace-{alone}", alone=alone) for alone in (True, False)]
    print("Retort spoke to nobody but this computer" if all(results) else "this is no proof")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

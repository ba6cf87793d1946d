"""Installing locked packages with the environment's own pip, and saying in one line why it failed.

pip gets the user's environment and configuration as they are: index, proxy and certificates are theirs.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from set_up.child import Outcome, run_program
from set_up.places import Places, python_in
from set_up.progress import OneLine, SetUpError

# What pip prints -> what happened and what to do; the first that matches counts.
REASONS = (
    (
        r"\[Errno 28\]|No space left on device|not enough space on the disk",
        "the disk is full: make room and start again",
    ),
    (
        r"DO NOT MATCH THE HASHES|Hashes are required",
        "a downloaded package is not the locked one, so nothing of it was used: check the package index",
    ),
    (
        r"\[Errno 13\]|Permission denied|\[WinError 5\]|Access is denied",
        "a file may not be written: make this folder and the cache folder writable for you",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
        "the index's certificate is not trusted: if it is your company's, set PIP_CERT to its file",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed",
        "the proxy did not answer: check HTTPS_PROXY and start again",
    ),
    (
        r"NewConnectionError|NameResolutionError|Failed to establish a new connection|ConnectTimeoutError"
        r"|Max retries exceeded|ReadTimeoutError|Read timed out|Network is unreachable|Connection refused"
        r"|Connection reset|RemoteDisconnected|Temporary failure in name|IncompleteRead|ConnectionError",
        "the package index can't be reached: connect to the network and start again",
    ),
)
SHOWN = re.compile(r"\s*(Collecting|Downloading|Using cached|Installing collected packages)\b")
NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")


def reason_of_failure(output: str) -> str:
    """Return why pip failed and what to do, in one line, from what it printed."""
    for pattern, reason in REASONS:
        if re.search(pattern, output):
            return reason
    absent = NO_WHEEL.search(output)
    if absent:
        return f"the package index has no {absent[1]} that fits this system and Python: check the index"
    errors = [line.strip() for line in output.splitlines() if line.strip().startswith("ERROR:")]
    return f"pip says `{(errors or ['nothing'])[-1].removeprefix('ERROR: ')}`"


def no_such_wheel(outcome: Outcome) -> bool:
    """Tell whether pip failed because no index that it could reach has the package."""
    return bool(NO_WHEEL.search(outcome.text))


def pip_environment(places: Places) -> dict[str, str]:
    """Return the user's environment, with pip's cache inside Retort's unless the user put it elsewhere."""
    environ = dict(os.environ)
    environ.setdefault("PIP_CACHE_DIR", str(places.cache / "pip"))
    environ.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    environ.setdefault("PIP_RETRIES", "2")
    environ.setdefault("PYTHONUTF8", "1")
    return environ


def pip_install(places: Places, environment: Path, *arguments: str) -> Outcome:
    """Run `pip install` in an environment, showing what it fetches on a line that changes."""
    command = [str(python_in(environment)), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    with OneLine() as line:

        def show(text: str) -> None:
            if SHOWN.match(text):
                line.show(text.partition(" (from ")[0].strip(), matters=False)

        return run_program([*command, *arguments], environ=pip_environment(places), on_line=show)


def install_locked(places: Places, environment: Path, lock: str) -> None:
    """Install what a lock file lists: complete (so without looking for more), hashed, never compiled."""
    outcome = pip_install(places, environment, *locked(places, lock))
    if outcome.status:
        raise SetUpError(f"requirements/{lock} could not be installed: {reason_of_failure(outcome.text)}")


def locked(places: Places, lock: str) -> list[str]:
    """Return pip's arguments for a lock file."""
    return ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(places.requirements / lock)]

"""`run.py test`: ruff, mypy and pytest, all of them even when one fails, pytest's summary last."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field

from set_up.places import Places, python_in
from set_up.progress import SetUpError, spoken_time
from set_up.torch_wheel import version_for_this_interpreter, why_not

MOST_PROCESSES = 4  # each has a window, a host and workers of its own
USAGE = "python3 run.py test [--quick] [--without-torch] [-- pytest's arguments]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How the tests are to be run."""

    quick: bool = False
    torch: bool = True
    for_pytest: list[str] = field(default_factory=list)


def options_from(words: list[str]) -> CheckOptions:
    """Read the words after `test`."""
    ours, for_pytest = words, []
    if "--" in words:
        middle = words.index("--")
        ours, for_pytest = words[:middle], words[middle + 1 :]
    unknown = [word for word in ours if word not in ("--quick", "--without-torch")]
    if unknown:
        raise SetUpError(f"`test` does not know {unknown[0]}: {USAGE}")
    return CheckOptions(quick="--quick" in ours, torch="--without-torch" not in ours, for_pytest=for_pytest)


def check_everything(places: Places, options: CheckOptions) -> int:
    """Run every check and return 0 only if all of them passed."""
    reason = None if options.torch else "the tests that need torch are left out: --without-torch was given"
    if options.torch and version_for_this_interpreter(places) is None:
        reason = why_not()
    environ = environ_for_tests(without_torch=reason is not None)
    quick = ["-m", "not slow"] if options.quick else []
    pytest_words = ["pytest", *processes_for_tests(os.cpu_count() or 1), *quick, *options.for_pytest]
    checks = [
        ("ruff: what the code must not do", ["ruff", "check", "."]),
        ("ruff: how it is laid out", ["ruff", "format", "--check", "."]),
        ("mypy: types", ["mypy"]),
        ("pytest: the quick tests" if options.quick else "pytest: every test", pytest_words),
    ]
    failed: list[str] = []
    times: list[str] = []
    for title, words in checks:
        if words[0] == "pytest":
            # Said before pytest, so that its summary is the last thing on the screen.
            print("\n".join(["", *times, *([f"retort: {reason}"] if reason else [])]), flush=True)
        print(f"\n== {title}", flush=True)
        start = time.monotonic()
        command = [str(python_in(places.environment)), "-m", *words]
        status = status_of(command, places, environ)
        verdict = "passed" if status == 0 else "FAILED"
        times.append(f"{verdict} in {spoken_time(time.monotonic() - start)}: {title}")
        if status:
            failed.append(title)
    if failed and failed != [checks[-1][0]]:  # pytest tells its own failures
        print(f"\nretort: failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def processes_for_tests(num_processors: int) -> list[str]:
    """What tells pytest to share the tests among processes; `-- -n 0` runs them one after the other."""
    if num_processors < 2:
        return []
    return ["-n", str(min(num_processors, MOST_PROCESSES)), "--dist", "worksteal"]


def status_of(command: list[str], places: Places, environ: dict[str, str]) -> int:
    """Run a check in the foreground; on Ctrl-C, which it gets too, let it tidy up first."""
    with subprocess.Popen(command, cwd=places.root, env=environ) as check:
        try:
            return check.wait()
        except KeyboardInterrupt:
            try:
                check.wait(timeout=10)
            except subprocess.TimeoutExpired:
                check.terminate()
            raise


def environ_for_tests(*, without_torch: bool) -> dict[str, str]:
    """Return the user's environment as the tests need it: no screen, nothing held back."""
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1"}
    if without_torch:
        environ["RETORT_WITHOUT_TORCH"] = "1"
    return environ

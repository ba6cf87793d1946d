"""pip's failures in one line, programs that end with us, one set-up at a time, the words after `test`."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from set_up.check_everything import CheckOptions, environ_for_tests, options_from
from set_up.child import run_program
from set_up.one_at_a_time import one_at_a_time
from set_up.pip import pip_environment, reason_of_failure
from set_up.places import Places
from set_up.progress import SetUpError

RECORDED = Path(__file__).with_name("recorded") / "pip"
TOLD = {
    "name_not_resolved_pip_23": "can't be reached",
    "name_not_resolved_pip_26": "can't be reached",
    "connection_refused": "can't be reached",
    "certificate": "PIP_CERT",
    "proxy": "HTTPS_PROXY",
    "hash_mismatch": "not the locked one",
    "no_wheel": "has no llama-cpp-python",
    "disk_full": "make room",
}


@pytest.mark.parametrize(("recording", "expected"), TOLD.items())
def test_what_pip_printed_becomes_what_happened_and_what_to_do(recording: str, expected: str) -> None:
    sentence = reason_of_failure((RECORDED / f"{recording}.txt").read_text(encoding="utf-8"))
    assert expected in sentence and "\n" not in sentence


def test_there_is_no_recording_without_its_expectation() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == set(TOLD)


def test_an_unknown_failure_is_told_in_pips_own_last_words() -> None:
    assert "something new" in reason_of_failure("Collecting x\nERROR: first\nERROR: something new\n")
    assert "\n" not in reason_of_failure("")


def test_the_users_environment_reaches_pip_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"PIP_CERT": "a.pem", "PIP_INDEX_URL": "file:index", "PIP_FIND_LINKS": "w", "HTTPS_PROXY": "p"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_CACHE_DIR", raising=False)
    environ = pip_environment(Places(root=tmp_path, cache=tmp_path / "cache"))
    assert theirs.items() <= environ.items()
    assert environ["PIP_CACHE_DIR"] == str(tmp_path / "cache" / "pip")


def test_a_programs_output_and_status_are_kept_and_its_log_is_whole(tmp_path: Path) -> None:
    program = "import sys\nfor i in range(500): print(i)\nprint('last', file=sys.stderr)\nsys.exit(3)"
    outcome = run_program([sys.executable, "-c", program], log=tmp_path / "log")
    assert outcome.status == 3
    assert len(outcome.lines) == 400
    assert len((tmp_path / "log").read_text(encoding="utf-8").splitlines()) == 501


def test_a_program_that_hangs_is_ended() -> None:
    start = time.monotonic()
    outcome = run_program([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.5)
    assert outcome.status != 0 and time.monotonic() - start < 30


@pytest.mark.skipif(os.name == "nt", reason="a Windows console ends its programs itself")
def test_an_interrupt_ends_the_program_and_what_it_started() -> None:
    started: list[int] = []

    def interrupt(line: str) -> None:
        started.append(int(line))
        raise KeyboardInterrupt

    program = "import subprocess as s, sys\nc = s.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"
    with pytest.raises(KeyboardInterrupt):
        run_program([sys.executable, "-c", program], on_line=interrupt)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(started[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(started[0])


def test_a_second_set_up_waits_for_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / ".set-up.lock"
    program = (
        "import sys, time; from pathlib import Path; from set_up.one_at_a_time import one_at_a_time\n"
        "with one_at_a_time(Path(sys.argv[1])): print('held', flush=True); time.sleep(1)"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program, str(lock)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout and first.stdout.readline() == "held\n"
        with one_at_a_time(lock):
            assert first.wait(timeout=10) == 0
    assert "waiting" in capsys.readouterr().err


def test_the_words_after_test() -> None:
    assert options_from([]) == CheckOptions()
    assert options_from(["--quick", "--", "-k", "wire"]) == CheckOptions(
        quick=True, for_pytest=["-k", "wire"]
    )
    assert not options_from(["--without-torch"]).torch
    with pytest.raises(SetUpError, match=r"--fast.*run.py test \[--quick\]"):
        options_from(["--fast"])


def test_tests_run_without_a_screen_and_know_whether_torch_was_declined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RETORT_WITHOUT_TORCH", raising=False)
    assert environ_for_tests(without_torch=True)["RETORT_WITHOUT_TORCH"] == "1"
    environ = environ_for_tests(without_torch=False)
    assert "RETORT_WITHOUT_TORCH" not in environ and environ["QT_QPA_PLATFORM"] == "offscreen"

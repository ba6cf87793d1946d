"""The parts of the smoke tests that can go wrong silently."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checking.clean_root import CleanRoot
from checking.installed import files_of_nobody, running
from cpu_test import MODULES, emulated
from smoke_test import depends


def test_the_archive_is_tried_with_what_the_package_depends_on() -> None:
    assert {"libegl1", "libxcb1"} <= set(depends().split(", "))


def test_a_file_that_a_removal_left_is_found_and_the_users_data_is_not_one(tmp_path: Path) -> None:
    for name in (".local/share/retort/conversations.sqlite3", ".local/share/icons/retort.svg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert files_of_nobody(tmp_path) == [tmp_path / ".local/share/icons/retort.svg"]


def test_a_file_that_a_purge_left_is_found_and_dpkgs_notes_are_not(tmp_path: Path) -> None:
    for name in ("usr/lib/retort/left", "var/lib/dpkg/status", "home/somebody/talk", "etc/ld.so.cache"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert CleanRoot(tmp_path, tmp_path).files() == {Path("usr/lib/retort/left")}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_process_that_a_window_left_is_found() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert len(running(lambda process: process.name == str(child.pid))) == 1
    finally:
        child.communicate(b"\n")
    assert running(lambda process: process.name == str(child.pid)) == []


def test_every_module_can_be_reached() -> None:
    for number, (module, needed) in enumerate(MODULES):
        assert not any(newer <= needed for _, newer in MODULES[:number]), f"{module} is never reached"


@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="qemu-user is not installed")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the emulated programs are for x86_64")
def test_a_program_of_the_copied_bundle_runs_on_the_emulated_cpu(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    shutil.copyfile(shutil.which("cat") or "", bundle / "retort")
    (bundle / "retort").chmod(0o755)
    copy = emulated(bundle, "Nehalem", tmp_path)
    done = subprocess.run(
        [copy.program, "/proc/self/cmdline"],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert b"emulated" in done.stdout  # the script's program, and not the one that was copied

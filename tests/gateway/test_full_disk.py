"""Disks of twelve sizes, too small or filling up: said in time, nothing damaged, and it goes on after."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.processes import child_environment
from tests.support.fake_hub import FakeHub
from tests.support.small_disks import MIB

SIZE_BYTES = 18 * MIB + 777
TOO_SMALL = (1, 4, 12, 19)  # MiB; 2 MiB are kept free
FILLING_UP = (22, 23, 24, 26, 28, 30, 36, 48)
SAID_WITHIN_S = 2.0
# RETORT_FULL_TESTS=1 runs all twelve
SIZES = TOO_SMALL + FILLING_UP if os.environ.get("RETORT_FULL_TESTS") else (4, 23)


def own_mounts() -> list[str]:
    """What runs a command where it may mount; skips where a user may not."""
    before = ["unshare", "-rm"]
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("needs a mount namespace of Linux")
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a mount namespace")
    return before


def test_a_disk_of_any_size_is_said_in_time_and_the_pull_goes_on_once_there_is_room(
    hub: FakeHub, tmp_path: Path
) -> None:
    content = random.Random(3).randbytes(SIZE_BYTES)
    hub.add("acme/big", {"big.gguf": content})
    command = [*own_mounts(), sys.executable, "-m", "tests.support.small_disks", str(tmp_path / "disk")]
    done = subprocess.run(
        [*command, *map(str, SIZES)], capture_output=True, text=True, env=child_environment(), check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    disks = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(disks) == len(SIZES)
    for disk in disks:
        print(disk["disk_mib"], "MiB:", disk["said"], f"({disk['after_s']:.2f} s)")
        assert disk["said"], disk
        assert disk["after_s"] < SAID_WITHIN_S, disk
        assert disk["was_filled"] == (disk["disk_mib"] in FILLING_UP), disk  # else it was said before
        assert disk["finals"] == [] == disk["left"], disk
        assert disk["final"] == content[-64:].hex()
        assert disk["was_filled"] or disk["fetched_again"] == SIZE_BYTES
    went_on = [disk["fetched_again"] for disk in disks if disk["was_filled"]]
    assert min(went_on) < SIZE_BYTES * 0.7  # what had arrived was used

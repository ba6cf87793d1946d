"""Pulls onto small disks that fill up, in a mount namespace of their own; prints one JSON line per disk.

`python -m tests.support.small_disks FOLDER SIZE_MIB…` with HF_ENDPOINT set; a size of a disk is in MiB.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from engine.contract.errors import StorageFailed
from engine.contract.hub_messages import PullRequest, TransferProgress
from engine.contract.paths import Paths
from engine.gateway.control import Control
from engine.gateway.hub import Hub
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience
from engine.gateway.pull import Puller
from engine.library.network_log import NetworkLog

MIB = 2**20
PATIENCE = replace(Patience(), keep_free_bytes=2 * MIB)
SPEED = 24 * MIB


def fill(disk: Path) -> None:
    """Take all the room there is."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


def pull_on(disk: Path, fill_at: float) -> dict[str, object]:
    """Pull, let the disk fill up once this share has arrived, make room, pull again."""
    os.environ["RETORT_HOME"] = str(disk / "home")
    paths = Paths.from_environment()
    paths.ensure()
    hub, speed = Hub(NetworkLog(paths.network_log), PATIENCE), SpeedLimit()
    speed.set(SPEED)
    puller = Puller(paths, hub, PATIENCE, speed)
    filled_at: list[float] = []

    def emit(event: TransferProgress) -> None:
        is_there = event.phase == "fetching" and event.done_bytes > fill_at * event.total_bytes
        if is_there and event.request_id == "first" and not filled_at:
            fill(disk)
            filled_at.append(time.monotonic())

    def pull(request_id: str) -> int:
        request = PullRequest(request_id=request_id, repository="acme/big")
        return puller.pull(request, Control(), emit).fetched_bytes

    told: dict[str, object] = {"said": ""}
    try:
        pull("first")
    except StorageFailed as error:
        now = time.monotonic()
        told |= {"said": error.message, "after_s": now - filled_at[0] if filled_at else 0.0}
    told["finals"] = [path.name for path in paths.models.rglob("*.gguf")]
    told["was_filled"] = bool(filled_at)
    (disk / "filler").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
    told["fetched_again"] = pull("second")
    (final,) = paths.models.rglob("*.gguf")
    told["final"] = final.read_bytes()[-64:].hex()
    told["left"] = [path.name for path in paths.partial.iterdir() if path.suffix != ".lock"]
    hub.close()
    return told


def main() -> int:
    """One disk after the other; the moments of filling differ."""
    disk, sizes = Path(sys.argv[1]), [int(size) for size in sys.argv[2:]]
    disk.mkdir(exist_ok=True)
    for number, size in enumerate(sizes):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(disk)], check=True)
        told = pull_on(disk, number / len(sizes))
        subprocess.run(["umount", "-l", str(disk)], check=True)
        print(json.dumps({"disk_mib": size} | told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

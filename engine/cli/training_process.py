"""The process that trains: what its commands share. torch stays out of the command line's own process."""

import argparse
import importlib.util
import json
import signal
import subprocess
from pathlib import Path

from engine.contract.errors import EngineMissing
from engine.contract.processes import child_command, child_environment

NEEDED = ("torch", "tokenizers")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what every training is asked."""
    add = parser.add_argument
    add("out", type=Path, help="the folder of the run; an earlier run there goes on")
    add("--data", type=Path, required=True, help="the folder with text/ and chat/")
    add("--seed", type=int, default=1, help="of the data, the weights and what is held out (default 1)")
    add("--threads", type=int, default=2, help="at most; fewer where other programs need them (default 2)")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="of training, those before a restart among them")
    length.add_argument("--until", metavar="HH:MM", help="when to be ready; the learning rate falls in time")
    add("--json", action="store_true", help="print the last measurement as one JSON object")


def train(arguments: argparse.Namespace, *more: str) -> int:
    """Start the training, wait for it, say what it measured last; returns the exit status.

    What it prints on stderr is passed on. Ctrl+C reaches it as a wish to stop: it writes its checkpoint, and
    the same command goes on from there.
    """
    missing = [package for package in NEEDED if importlib.util.find_spec(package) is None]
    if missing:
        raise EngineMissing(f"training needs {' and '.join(missing)}")
    if not arguments.data.is_dir():
        raise ValueError(f"--data: there is no folder {arguments.data}")
    environment = child_environment() | {"PYTHONWARNINGS": "default"}  # torch's compiler warns of torch
    process = subprocess.Popen([*command(arguments), *more], env=environment)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        status = process.wait()
    if arguments.json and status == 0:
        print(json.dumps(last_measurement(arguments.out / "log.jsonl")))
    return 1 if status else 0


def command(arguments: argparse.Namespace) -> list[str]:
    """The command line of the training process."""
    words = child_command("engine.training.train")
    words += ["--data", str(arguments.data), "--out", str(arguments.out)]
    words += ["--seed", str(arguments.seed), "--threads", str(arguments.threads)]
    if arguments.until:
        return [*words, "--until", arguments.until]
    return [*words, "--minutes", str(arguments.minutes)]


def last_measurement(log: Path) -> dict[str, object]:
    """The last record of the run's log that has the held-out loss."""
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return next((record for record in reversed(records) if "bits_per_byte" in record), {})

"""`retort network`: every request that was ever made to the network, the newest last."""

import argparse
import json
import time

import msgspec

from engine.contract.paths import Paths
from engine.library.network_log import KEPT_REQUESTS, NetworkLog

NAME = "network"
HELP = f"list the requests that went to the network, up to the last {KEPT_REQUESTS:,}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print when, where, why, and how many bytes came."""
    entries = NetworkLog(Paths.from_environment().network_log).entries()
    if arguments.json:
        print(json.dumps({"requests": msgspec.to_builtins(entries)}, ensure_ascii=False))
        return 0
    for entry in entries:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time))
        received = f"{entry.received_bytes:,} bytes" if entry.has_ended else "no end noted"
        print(f"{moment}  {entry.host}  {entry.purpose}  {received}")
    if not entries:
        print("nothing was ever asked of the network")
    return 0

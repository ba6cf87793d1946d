"""`retort unfinished`: downloads that did not end, how to go on with them, and giving their room back."""

import argparse
import json
import time

import msgspec

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.sizes import in_words
from engine.contract.unfinished_messages import (
    DropUnfinishedRequest,
    UnfinishedDownload,
    UnfinishedDropped,
    UnfinishedListed,
    UnfinishedRequest,
)

NAME = "unfinished"
HELP = "list the downloads that did not end, or delete what arrived of them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--drop", action="store_true", help="delete what arrived; downloads under way are left alone")
    add("--older-than", type=float, default=0.0, metavar="DAYS", help="only what nothing was added to since")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List or delete."""
    if arguments.older_than < 0:
        raise ValueError(f"--older-than is a number of days, got {arguments.older_than}")
    with EngineSession() as session:
        if arguments.drop:
            request = DropUnfinishedRequest(request_id=new_request_id(), older_than_days=arguments.older_than)
            dropped = session.ask(request, UnfinishedDropped)
            _say_dropped(dropped, as_json=arguments.json)
            return 0
        listed = session.ask(UnfinishedRequest(request_id=new_request_id()), UnfinishedListed).downloads
    latest = time.time() - arguments.older_than * 86_400
    listed = tuple(download for download in listed if download.changed_at <= latest)
    if arguments.json:
        print(json.dumps({"unfinished": msgspec.to_builtins(listed)}, ensure_ascii=False))
        return 0
    for download in listed:
        print(_in_words(download))
    if not listed:
        print("every download has ended")
    return 0


def _say_dropped(dropped: UnfinishedDropped, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"dropped": dropped.files, "freed_bytes": dropped.freed_bytes}))
    else:
        print(f"{len(dropped.files)} deleted, {in_words(dropped.freed_bytes)} given back")


def _in_words(download: UnfinishedDownload) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(download.changed_at))
    if not download.model:
        return f"{moment}  {download.file}: {in_words(download.disk_bytes)} of nobody knows what"
    percent = 100 * download.arrived_bytes // max(1, download.size_bytes)
    way_on = "is being fetched now" if download.is_active else f"`retort pull {download.model}` goes on"
    return f"{moment}  {download.model}: {percent} % of {in_words(download.size_bytes)}; {way_on}"

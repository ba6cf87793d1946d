"""`retort update --online`: whether there is a newer Retort. It is told, never fetched."""

import argparse
import json

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.pull import ONLINE_HELP
from engine.contract.update_messages import UpdateRequest, UpdateTold
from engine.contract.version import RETORT_VERSION

NAME = "update"
HELP = "ask whether there is a newer version of Retort; nothing is fetched or installed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--online", action="store_true", help=ONLINE_HELP)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Ask and tell."""
    with EngineSession() as session:
        told = session.ask(UpdateRequest(request_id=new_request_id(), online=arguments.online), UpdateTold)
    if arguments.json:
        said = {"version": told.version, "date": told.date, "is_newer": told.is_newer}
        print(json.dumps({**said, "news": told.news, "page": told.page}, ensure_ascii=False))
    elif told.is_newer:
        print(f"Retort {told.version} of {told.date} is newer than this one ({RETORT_VERSION}): {told.page}")
        for text in told.news:
            print(f"  {text}")
    else:
        print(f"Retort {RETORT_VERSION} is the newest; the last release was {told.version} of {told.date}")
    return 0

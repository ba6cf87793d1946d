"""Entry of a search's process: one request on stdin, its steps and its end on stdout, the rest on stderr.

A process of its own, since it needs engine hosts with other settings than the user's. Killing it is how a
search is cancelled; the end of stdin ends it too. Its workers end with it.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from filelock import Timeout

from engine.contract.errors import EngineError, InternalError, ProtocolError
from engine.contract.fit_messages import FitRequest, FitTold
from engine.contract.messages import DescribeRequest, EngineDescription, ErrorEvent
from engine.contract.paths import Paths
from engine.contract.settings_messages import SettingsListed, SettingsRequest
from engine.contract.tuned import TunedModel
from engine.contract.tuning_messages import TuneDone, TuneProgress, TuneRequest
from engine.contract.wire import MessageWriter, decode, hello, read_lines, take_stdout
from engine.library.places import find_model
from engine.library.tuned_records import TunedRecords
from engine.tuning.asking import AskedHost
from engine.tuning.search import Step
from engine.tuning.tune import tune

log = logging.getLogger("retort.tuning")


def main() -> int:
    """Search once; returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    parser = argparse.ArgumentParser(prog="retort-tuning")
    parser.add_argument("--folder", type=Path, required=True, help="for files that are needed meanwhile")
    folder: Path = parser.parse_args().folder
    writer = MessageWriter(take_stdout(), name="tuning")
    writer.send(hello("worker"))
    # not sys.stdin: Python cannot end while a thread waits in it
    request = _read_request(os.fdopen(0, "rb", closefd=False))
    if request is not None:
        writer.send(_answer(request, folder, writer))
    writer.close()
    return 0


def _read_request(stream: IO[bytes]) -> TuneRequest | None:
    """The one request; from then on the end of the pipe is the end of the process."""
    lines = read_lines(stream)
    line = next(lines, None)
    if line is None:
        return None
    message = decode(line)
    if not isinstance(message, TuneRequest):
        raise ProtocolError(f"a search's process takes no {type(message).__name__}")

    def watch() -> None:
        for _ in lines:
            pass
        os._exit(0)

    threading.Thread(target=watch, name="tuning-reader", daemon=True).start()
    return message


def _answer(request: TuneRequest, folder: Path, writer: MessageWriter) -> TuneDone | ErrorEvent:
    """The edge of the process: whatever happens, its end is said."""

    def tell(step: Step) -> None:
        writer.send(
            TuneProgress(
                request_id=request.request_id,
                load=step.load,
                axis=step.axis,
                share=step.share,
                gain=step.gain,
                is_best=step.is_best,
                problem=step.problem,
            )
        )

    try:
        paths = Paths.from_environment()
        found = _search(request, paths, folder, tell)
        _keep(paths, found)
        return TuneDone(request_id=request.request_id, tuned=found)
    except EngineError as error:
        failure = error
    except Exception as error:
        log.exception("a search failed")
        failure = InternalError(f"{type(error).__name__}: {error}")
    return ErrorEvent(
        request_id=request.request_id, code=failure.code, message=failure.message, details=failure.details
    )


def _search(request: TuneRequest, paths: Paths, folder: Path, tell: Callable[[Step], None]) -> TunedModel:
    host = AskedHost(paths)
    try:
        settings = host.ask(SettingsRequest(request_id=uuid.uuid4().hex), SettingsListed).settings
        place = find_model(request.model, paths, settings.model_folders)
        description = host.ask(DescribeRequest(request_id=uuid.uuid4().hex), EngineDescription)
        told = host.ask(FitRequest(request_id=uuid.uuid4().hex, model=str(place.path)), FitTold)
    finally:
        host.close()
    return tune(
        place, paths, settings, told, description, seconds=request.seconds, on_step=tell, folder=folder
    )


def _keep(paths: Paths, found: TunedModel) -> None:
    try:
        TunedRecords(paths.tuned).keep(found)
    except (EngineError, OSError, Timeout) as error:  # the result itself is good
        log.warning("the result of a search is not kept: %s", error)


if __name__ == "__main__":
    sys.exit(main())

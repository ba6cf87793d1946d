"""Entry of a job's process: one request on stdin, its progress and its end on stdout, the rest on stderr.

Killing it is how a job is cancelled: results are written beside their target and renamed at the end. The end
of stdin ends it too, whatever it is doing.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

from engine.contract.errors import EngineError, InternalError, ProtocolError, StorageFailed
from engine.contract.job_messages import JobDone, JobRequest
from engine.contract.messages import ErrorEvent
from engine.contract.wire import MessageWriter, decode, hello, read_lines, take_stdout
from engine.worker.job.progress import ProgressReporter
from engine.worker.job.work import do_job
from engine.worker.parent_death import end_with_parent

log = logging.getLogger("retort.job")


def main() -> int:
    """Do one job; returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    parser = argparse.ArgumentParser(prog="retort-job")
    parser.add_argument("--generation", type=int, default=0, help="stamped on every event")
    parser.add_argument("--parent", type=int, help="end with this process, which started this one")
    parser.add_argument("--folder", type=Path, required=True, help="for files that the job needs for itself")
    arguments = parser.parse_args()
    if arguments.parent is not None:
        end_with_parent(arguments.parent)
    writer = MessageWriter(take_stdout(), name="job")
    writer.send(hello("worker"))
    # not sys.stdin: Python cannot end while a thread waits in it
    request = _read_request(os.fdopen(0, "rb", closefd=False))
    if request is not None:
        writer.send(_answer(request, arguments.folder, arguments.generation, writer))
    writer.close()
    return 0


def _read_request(stream: IO[bytes]) -> JobRequest | None:
    """The one request; from then on the end of the pipe is the end of the process."""
    lines = read_lines(stream)
    line = next(lines, None)
    if line is None:
        return None
    message = decode(line)
    if not isinstance(message, JobRequest):
        raise ProtocolError(f"a job's process takes no {type(message).__name__}")

    def watch() -> None:
        for _ in lines:
            pass
        os._exit(0)

    threading.Thread(target=watch, name="job-reader", daemon=True).start()
    return message


def _answer(
    request: JobRequest, folder: Path, generation: int, writer: MessageWriter
) -> JobDone | ErrorEvent:
    try:
        with ProgressReporter(writer.send, request.request_id, generation) as progress:
            result = do_job(request.job, progress, folder)
    except EngineError as error:
        failure = error
    except OSError as error:
        path = error.filename or getattr(request.job, "target", "") or folder
        failure = StorageFailed(str(path), error.strerror or str(error))
    except Exception as error:  # the edge of the process: logged, and said to whoever asked
        log.exception("a job failed")
        failure = InternalError(f"{type(error).__name__}: {error}")
    else:
        return JobDone(request_id=request.request_id, generation=generation, result=result)
    return ErrorEvent(
        request_id=request.request_id,
        generation=generation,
        code=failure.code,
        message=failure.message,
        details=failure.details,
    )


if __name__ == "__main__":
    sys.exit(main())

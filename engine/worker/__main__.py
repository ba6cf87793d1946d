"""Entry of the worker process: requests on stdin, events on stdout, everything else on stderr."""

import argparse
import signal
import sys

from engine.contract.wire import MessageWriter, hello, take_stdout
from engine.worker.service import WorkerService


def main() -> int:
    """Run until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    parser = argparse.ArgumentParser(prog="retort-worker")
    parser.add_argument("--generation", type=int, default=0, help="stamped on every event")
    arguments = parser.parse_args()
    writer = MessageWriter(take_stdout(), name="worker")
    writer.send(hello("worker"))
    WorkerService(writer, generation=arguments.generation).run(sys.stdin.buffer)
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

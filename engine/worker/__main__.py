"""Entry of the worker process: requests on stdin, events on stdout, everything else on stderr."""

import argparse
import signal
import sys

from engine.contract.wire import MessageWriter, hello, take_stdout
from engine.worker.heartbeat import HeartbeatThread
from engine.worker.parent_death import end_with_parent
from engine.worker.service import WorkerService


def main() -> int:
    """Run until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    parser = argparse.ArgumentParser(prog="retort-worker")
    parser.add_argument("--generation", type=int, default=0, help="stamped on every event")
    parser.add_argument("--parent", type=int, help="end with this process, which started this one")
    parser.add_argument("--packages", help="a folder to import from, after everything else: a component")
    arguments = parser.parse_args()
    if arguments.packages:
        sys.path.append(arguments.packages)
    if arguments.parent is not None:
        end_with_parent(arguments.parent)
    writer = MessageWriter(take_stdout(), name="worker")
    writer.send(hello("worker"))
    HeartbeatThread(writer.send, generation=arguments.generation)
    WorkerService(writer, generation=arguments.generation).run(sys.stdin.buffer)
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Entry of the host process: requests of the window on stdin, events on stdout."""

import signal
import sys

from engine.contract.errors import ProtocolError
from engine.contract.messages import ErrorEvent, Request
from engine.contract.paths import Paths
from engine.contract.wire import MessageWriter, decode, hello, read_lines, take_stdout
from engine.host.router import EngineHost


def main() -> int:
    """Serve one window until its end of the pipe closes; then end every worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    writer = MessageWriter(take_stdout(), name="host")
    writer.send(hello("host"))
    paths = Paths.from_environment()
    paths.ensure()
    host = EngineHost(writer.send, paths, keeps_jobs=True)
    try:
        for line in read_lines(sys.stdin.buffer):
            try:
                message = decode(line)
                if not isinstance(message, Request):
                    raise ProtocolError(f"a host takes no {type(message).__name__}")
                host.submit(message)
            except ProtocolError as error:
                writer.send(ErrorEvent(request_id="", code=error.code, message=error.message))
    finally:
        host.close()
        writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Entry of the gateway process: requests on stdin, events on stdout, everything else on stderr."""

import signal
import sys

from engine.contract.paths import Paths
from engine.contract.wire import MessageWriter, hello, take_stdout
from engine.gateway.service import GatewayService


def main() -> int:
    """Run until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    writer = MessageWriter(take_stdout(), name="gateway")
    writer.send(hello("gateway"))
    paths = Paths.from_environment()
    paths.ensure()
    GatewayService(paths, writer.send).run(sys.stdin.buffer)
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process that renders chat templates: a JSON request per line in, a JSON reply per line out.

An empty line is answered with an empty reply: the child is ready.
"""

import signal
import sys

import msgspec

from engine.chat.template import RenderReply, RenderRequest, render
from engine.contract.errors import TemplateBroken

MEMORY_LIMIT_BYTES = 256 * 2**20


def main() -> int:
    """Answer until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started this process
    limit_memory()
    for line in sys.stdin.buffer:
        reply = _reply(msgspec.json.decode(line, type=RenderRequest)) if line.strip() else RenderReply()
        sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
        sys.stdout.buffer.flush()
    return 0


def limit_memory() -> None:
    """Let allocations beyond the limit fail. Windows has no such limit for a process by itself."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  (POSIX only)

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


def _reply(request: RenderRequest) -> RenderReply:
    try:
        return RenderReply(prompt=render(request.source, request.messages, request.variables))
    except TemplateBroken as error:
        return RenderReply(error=str(error.details["reason"]))
    except MemoryError:
        return RenderReply(error="it used too much memory")


if __name__ == "__main__":
    sys.exit(main())

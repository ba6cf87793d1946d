"""The process that renders chat templates: a JSON request per line in, a JSON reply per line out.

An empty line is answered with an empty reply: the child is ready.
"""

import sys

import msgspec

from engine.chat.template import RenderReply, RenderRequest, render
from engine.contract.errors import TemplateBroken
from engine.worker.children.lines import answer_lines


def answer(line: bytes) -> bytes:
    """Render what a line asks for."""
    reply = _reply(msgspec.json.decode(line, type=RenderRequest)) if line else RenderReply()
    return msgspec.json.encode(reply)


def _reply(request: RenderRequest) -> RenderReply:
    try:
        return RenderReply(prompt=render(request.source, request.messages, request.variables))
    except TemplateBroken as error:
        return RenderReply(error=str(error.details["reason"]))
    except MemoryError:
        return RenderReply(error="it used too much memory")


if __name__ == "__main__":
    sys.exit(answer_lines(answer))

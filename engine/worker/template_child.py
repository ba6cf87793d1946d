"""The warm child that renders chat templates: started while a model loads, killed when it takes too long.

Killing it costs nothing; killing the worker instead would cost loading the model again.
"""

import subprocess
import threading
from collections.abc import Sequence

import msgspec

from engine.chat.template import RenderReply, RenderRequest, TemplateVariables
from engine.contract.chat import ChatMessage
from engine.contract.errors import TemplateBroken
from engine.contract.processes import bare_environment, child_command

TIME_LIMIT_S = 2.0
START_LIMIT_S = 20.0  # a cold start of Python on a busy machine is no fault of the template


class TemplateChild:
    """Renders in another process. One request at a time."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def start(self) -> None:
        """Start the child without waiting for it: whoever will want it soon need not wait then."""
        if self._process is None:
            self._is_ready = False
            self._process = subprocess.Popen(
                child_command("engine.worker.children.template"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=bare_environment(),
            )

    def render(self, source: str, messages: Sequence[ChatMessage], variables: TemplateVariables) -> str:
        """The prompt; raises TemplateBroken with the reason, a timeout included."""
        process = self._running()
        request = RenderRequest(source, tuple(messages), variables)
        line = self._exchange(process, msgspec.json.encode(request) + b"\n", TIME_LIMIT_S)
        if not line:
            killed = process.wait() < 0
            self.close()
            raise TemplateBroken(
                f"it took more than {TIME_LIMIT_S:g} s" if killed else "it used too much memory"
            )
        reply = msgspec.json.decode(line, type=RenderReply)
        if reply.error:
            raise TemplateBroken(reply.error)
        return reply.prompt

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        self.start()
        assert self._process is not None
        if not self._is_ready:
            self._exchange(self._process, b"\n", START_LIMIT_S)
            self._is_ready = True
        return self._process

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], line: bytes, limit_s: float) -> bytes:
        """Send a line and read one; the process is killed at the limit, which ends the reading."""
        assert process.stdin is not None and process.stdout is not None
        overdue = threading.Timer(limit_s, process.kill)
        overdue.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:
            return b""
        finally:
            overdue.cancel()
            overdue.join()

"""One worker process as the host sees it: start, send, events, death."""

import os
from collections.abc import Callable, Sequence

from engine.contract.errors import ProtocolError, WorkerDied
from engine.contract.messages import Event
from engine.contract.processes import ProcessModule, child_command, child_environment
from engine.hardware.memory import decode_threads
from engine.host.child_process import ChildProcess
from engine.host.stderr_tail import find_assertion


class WorkerProcess(ChildProcess):
    """A running worker. Its callbacks come from its own reader thread."""

    def __init__(
        self,
        generation: int,
        *,
        module: ProcessModule = "engine.worker",
        arguments: Sequence[str] = (),
        echo_stderr: bool,
        on_event: Callable[["WorkerProcess", Event], None],
        on_death: Callable[["WorkerProcess", WorkerDied | ProtocolError], None],
    ) -> None:
        """Start the process; `on_death` is called exactly once, after the last event."""
        self.generation = generation
        super().__init__(
            f"worker-{generation}",
            child_command(module, "--generation", str(generation), "--parent", str(os.getpid()), *arguments),
            worker_environment(),
            echo_stderr=echo_stderr,
            on_event=lambda event: on_event(self, event),
            on_end=lambda status, tail, problem: on_death(
                self, problem or WorkerDied(status, find_assertion(tail), tail)
            ),
        )


def worker_environment() -> dict[str, str]:
    """A child's environment; where one thread decodes, the others, used for prompts alone, wait asleep.

    Spinning pays between the many small steps of decoding only, and costs dearly beside other programs.
    """
    environment = child_environment()
    if decode_threads() == 1:
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment

"""One worker process as the host sees it: start, send, events, death."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import ProtocolError, WorkerDied
from engine.contract.messages import Event
from engine.contract.processes import (
    LIBRARY_VARIABLE,
    PACK_VARIABLE,
    ProcessModule,
    child_command,
    child_environment,
)
from engine.hardware.memory import decode_threads
from engine.host.child_process import ChildProcess
from engine.host.stderr_tail import find_assertion


@dataclass(frozen=True, slots=True)
class WorkerLibrary:
    """The engine pack that a worker runs on; where there is none it runs on the built-in library."""

    pack: str
    folder: Path


class WorkerProcess(ChildProcess):
    """A running worker. Its callbacks come from its own reader thread."""

    def __init__(
        self,
        generation: int,
        *,
        module: ProcessModule = "engine.worker",
        arguments: Sequence[str] = (),
        library: WorkerLibrary | None = None,
        echo_stderr: bool,
        on_event: Callable[["WorkerProcess", Event], None],
        on_death: Callable[["WorkerProcess", WorkerDied | ProtocolError], None],
    ) -> None:
        """Start the process; `on_death` is called exactly once, after the last event."""
        self.generation = generation
        super().__init__(
            f"worker-{generation}",
            child_command(module, "--generation", str(generation), "--parent", str(os.getpid()), *arguments),
            worker_environment(library),
            echo_stderr=echo_stderr,
            on_event=lambda event: on_event(self, event),
            on_end=lambda status, tail, problem: on_death(
                self, problem or WorkerDied(status, find_assertion(tail), tail)
            ),
        )


def worker_environment(library: WorkerLibrary | None = None) -> dict[str, str]:
    """A child's environment; where one thread decodes, the others, used for prompts alone, wait asleep.

    Spinning pays between the many small steps of decoding only, and costs dearly beside other programs.
    """
    environment = child_environment()
    for variable in (LIBRARY_VARIABLE, PACK_VARIABLE):
        environment.pop(variable, None)
    if library is not None:
        environment |= {LIBRARY_VARIABLE: str(library.folder), PACK_VARIABLE: library.pack}
    if decode_threads() == 1:
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment

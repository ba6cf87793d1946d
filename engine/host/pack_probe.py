"""Whether a library may be used: what it says and computes in a process of its own, beside the built-in one.

Same commit, every function, the same default params field by field, and the same tokens where the built-in
library is not undecided itself. A library that crashes, hangs or does not load takes its process with it.
"""

import queue
import time
from collections.abc import Mapping

from engine.contract.errors import EngineError, EngineMissing, WorkerUnresponsive, rebuild_error
from engine.contract.messages import ErrorEvent, Event
from engine.contract.pack_messages import ProbeRequest, ProbeTold
from engine.contract.packs import LLAMA_COMMIT, NativeFacts, PackKind, PackReport
from engine.contract.paths import builtin_model
from engine.hardware.drivers import driver_versions
from engine.host.worker_process import WorkerLibrary, WorkerProcess

TIMEOUT_S = 120.0  # a GPU's driver may compile its programs at the first use
LEAST_COMMIT_DIGITS = 7
UNDECIDED = 0.25  # logits: CPUs and GPUs round differently, and nearer choices may change places
LEAST_DECIDED = 0.5  # of the tokens, or the comparison shows nothing
_BY_SPEED: tuple[PackKind, ...] = ("cpu", "vulkan", "metal", "cuda")


def ask(library: WorkerLibrary | None, follow: tuple[int, ...] = ()) -> NativeFacts:
    """What a library is and does, the built-in one where None; it takes seconds.

    Raises EngineError where it does not load, dies, or does not answer in time.
    """
    answers: queue.SimpleQueue[Event | EngineError] = queue.SimpleQueue()
    worker = WorkerProcess(
        0,
        library=library,
        echo_stderr=False,
        on_event=lambda _worker, event: answers.put(event),
        on_death=lambda _worker, error: answers.put(error),
    )
    ends_at = time.monotonic() + TIMEOUT_S
    try:
        worker.send(ProbeRequest(request_id="probe", model=str(builtin_model()), tokens=follow))
        while True:
            event = answers.get(timeout=max(0.0, ends_at - time.monotonic()))
            if isinstance(event, ProbeTold):
                return event.facts
            if isinstance(event, ErrorEvent):
                raise rebuild_error(event.code, event.message, event.details)
            if isinstance(event, EngineError):
                raise event
    except queue.Empty:
        worker.kill()
        raise WorkerUnresponsive(round(TIMEOUT_S)) from None
    finally:
        worker.close()


def probe(library: WorkerLibrary, stamps: tuple[tuple[str, int, int], ...]) -> PackReport:
    """Ask the built-in library and the pack, and compare; whatever goes wrong is in the report.

    `stamps` are those of the pack's files, taken before. Raises EngineMissing where the built-in library
    itself has no answer to compare with.
    """
    drivers = driver_versions()
    try:
        reference = ask(None)
    except EngineError as error:
        raise EngineMissing(f"nothing to compare a pack with: {error}") from error
    try:
        facts = ask(library, reference.tokens)
    except EngineError as error:
        return PackReport(problem=str(error), probed_at=time.time(), drivers=drivers, stamps=stamps)
    return PackReport(
        problem=difference(reference, facts),
        devices=facts.devices,
        decode_tps=facts.decode_tps,
        probed_at=time.time(),
        drivers=drivers,
        stamps=stamps,
    )


def difference(reference: NativeFacts, found: NativeFacts) -> str:
    """Why a library must not be used in place of the reference, in words; empty where it may."""
    said = found.commit.partition("-")[0]
    if len(said) < LEAST_COMMIT_DIGITS or not LLAMA_COMMIT.startswith(said):
        return f"its llama.cpp is of commit {said or 'unknown'}, {LLAMA_COMMIT[:9]} is needed"
    if found.missing:
        return f"it lacks the function {found.missing[0]}"
    if found.strangers:
        return f"parts of another build are loaded with it: {found.strangers[0]}"
    others = [
        name
        for name in sorted(reference.defaults.keys() | found.defaults.keys())
        if reference.defaults.get(name) != found.defaults.get(name)
    ]
    if others:
        name = others[0]
        more = f", and {len(others) - 1} more" if len(others) > 1 else ""
        return (
            f"its structures are others: {name} is {found.defaults.get(name, 'absent')} in place of "
            f"{reference.defaults.get(name, 'absent')}{more}"
        )
    return _other_tokens(reference, found)


def _other_tokens(reference: NativeFacts, found: NativeFacts) -> str:
    """Where two libraries choose other tokens after the same ones, although the choice is clear."""
    decided = [at for at, margin in enumerate(reference.margins) if margin >= UNDECIDED]
    if len(decided) < LEAST_DECIDED * len(reference.tokens) or len(found.tokens) != len(reference.tokens):
        return "its answer cannot be compared with that of the built-in library"
    wrong = [at for at in decided if reference.tokens[at] != found.tokens[at]]
    if wrong:
        return f"it computes wrongly: {len(wrong)} of {len(decided)} tokens of the self-test are others"
    return ""


def best_of(reports: Mapping[str, PackReport], kinds: Mapping[str, PackKind]) -> str:
    """The pack to use of those that passed: the fastest kind that found a GPU; empty where none did."""

    def gpu_bytes(pack: str) -> int:
        return max((device.total_bytes for device in reports[pack].devices if device.is_gpu), default=0)

    found = [pack for pack, report in reports.items() if not report.problem and gpu_bytes(pack)]
    return max(found, key=lambda pack: (_BY_SPEED.index(kinds[pack]), gpu_bytes(pack)), default="")

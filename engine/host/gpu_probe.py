"""Which GPUs there are and how much of their memory is free now: asked of a worker that ends with its answer.

Drivers are native code and may crash, so the host itself never loads them. Where the installed library was
built for CPUs alone, nobody is asked.
"""

import importlib.util
import queue
import re
from pathlib import Path

from engine.contract.fit_messages import DeviceMemory
from engine.contract.messages import DescribeRequest, EngineDescription, Event
from engine.hardware.memory import available_bytes, total_bytes
from engine.host.worker_process import WorkerLibrary, WorkerProcess

ANSWER_TIMEOUT_S = 20.0  # a driver that starts up takes seconds
# The whole word: `libggml-cpu-cannonlake.so`, for a kind of CPU, has the name of Huawei's CANN in it.
_GPU_LIBRARY = re.compile(r"(lib)?ggml-(cuda|vulkan|metal|hip|sycl|musa|cann|opencl)\b")


def ram(free_bytes: int | None = None) -> DeviceMemory:
    """This computer's memory now; `free_bytes` where somebody knows better."""
    return DeviceMemory(
        name="CPU",
        is_gpu=False,
        free_bytes=available_bytes() if free_bytes is None else free_bytes,
        total_bytes=total_bytes(),
    )


def gpus(library: WorkerLibrary | None = None) -> tuple[DeviceMemory, ...]:
    """The GPUs as they are now; none where the worker does not answer. It takes a second or several."""
    if not built_for_gpus(library):
        return ()
    answers: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    worker = WorkerProcess(
        0,
        library=library,
        echo_stderr=False,
        on_event=lambda _worker, event: answers.put(event),
        on_death=lambda _worker, _error: answers.put(None),
    )
    try:
        worker.send(DescribeRequest(request_id="gpus"))
        while (event := answers.get(timeout=ANSWER_TIMEOUT_S)) is not None:
            if isinstance(event, EngineDescription):
                return tuple(device for device in event.memory if device.is_gpu)
    except queue.Empty:
        worker.kill()
    finally:
        worker.close()
    return ()


def built_for_gpus(library: WorkerLibrary | None = None) -> bool:
    """Whether this llama.cpp has a library for any kind of GPU; it is looked at, not loaded."""
    names = [file.name for folder in _folders(library) for file in folder.glob("*ggml-*")]
    return any(_GPU_LIBRARY.match(name) for name in names)


def _folders(library: WorkerLibrary | None) -> list[Path]:
    if library is not None:
        return [library.folder]
    found = importlib.util.find_spec("llama_cpp")
    folders = found.submodule_search_locations if found is not None else None
    return [Path(folder, "lib") for folder in folders or ()]

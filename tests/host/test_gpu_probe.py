from pathlib import Path

import pytest

from engine.host.gpu_probe import built_for_gpus, gpus
from engine.host.worker_process import WorkerLibrary

# What packaging/bundling/native.py keeps of a build for any CPU of x86_64.
CPU_MODULES = (
    "alderlake", "cannonlake", "cascadelake", "cooperlake", "haswell", "icelake", "ivybridge",
    "piledriver", "sandybridge", "sapphirerapids", "skylakex", "sse42", "zen4",
)  # fmt: skip


def library(folder: Path, *names: str) -> WorkerLibrary:
    """A folder of empty files by these names, as the library of a worker."""
    for name in names:
        (folder / name).touch()
    return WorkerLibrary(pack="cpu-1", folder=folder)


def test_no_worker_is_started_to_ask_a_build_for_cpus_about_gpus(tmp_path: Path) -> None:
    modules = [f"libggml-cpu-{name}.so" for name in CPU_MODULES]
    portable = library(tmp_path, "libllama.so", "libggml.so", "libggml-base.so", *modules)
    assert not built_for_gpus(portable)
    assert gpus(portable) == ()


@pytest.mark.parametrize(
    "name",
    [
        "libggml-cuda.so",
        "libggml-vulkan.so.0",
        "libggml-metal.dylib",
        "ggml-cuda.dll",
        "libggml-hip.so",
        "libggml-cann.so",
        "libggml-opencl.so",
    ],
)
def test_a_library_for_a_gpu_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    assert built_for_gpus(library(tmp_path, "libggml-base.so", "libggml-cpu-haswell.so", name))

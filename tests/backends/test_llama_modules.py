"""A llama.cpp whose code for CPUs is in modules: the one that fits is loaded, and it is known which."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from bundling.native import kept_libraries
from cpu_test import fitting_module

from engine.backends.llama.native import NativeLog, load_backend_modules
from engine.contract.processes import child_environment, source_root
from set_up.places import Places, cache_folder

pytestmark = pytest.mark.llama


class Function:
    """A foreign function as ctypes has it: its types can be set."""

    def __init__(self, call: Any) -> None:
        self.__call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.__call(*arguments)


def library_of(log: NativeLog, num_registered: int) -> tuple[SimpleNamespace, list[bytes]]:
    folders: list[bytes] = []

    def load_all(folder: bytes) -> None:
        folders.append(folder)
        log.take(2, b"load_backend: loaded CPU backend from " + folder)  # llama.cpp says it in pieces
        log.take(2, b"/libggml-cpu-haswell.so\n")
        log.take(2, b"load_backend: loaded Vulkan backend from /lib/libggml-vulkan.so\n")

    ggml = SimpleNamespace(
        _name="/lib/llama/libllama.so",
        ggml_backend_reg_count=Function(lambda: num_registered),
        ggml_backend_load_all_from_path=Function(load_all),
    )
    return SimpleNamespace(_lib=ggml), folders


def test_the_modules_beside_the_library_are_loaded_and_named() -> None:
    log = NativeLog()
    library, folders = library_of(log, num_registered=0)
    assert load_backend_modules(library, log) == ("ggml-cpu-haswell", "ggml-vulkan")
    assert folders == [b"/lib/llama"]


def test_a_library_that_has_its_backends_is_left_alone() -> None:
    log = NativeLog()
    library, folders = library_of(log, num_registered=1)
    assert load_backend_modules(library, log) == ()
    assert folders == []


@pytest.mark.skipif(sys.platform != "linux", reason="the flags of a CPU are read from /proc/cpuinfo")
def test_the_portable_build_takes_the_best_module_for_this_cpu() -> None:
    cache = cache_folder({})  # the user's: tests have one of their own
    libraries = kept_libraries(Places(root=source_root(), cache=cache))
    if not libraries.is_dir():
        pytest.skip("the portable llama.cpp was not built here: `python3 packaging/build.py bundle` does")
    program = (
        "from engine.backends.llama.native import load_native\n"
        "native = load_native(); print(*native.modules); print(*native.devices())"
    )
    environment = child_environment() | {"LLAMA_CPP_LIB_PATH": str(libraries)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    modules, devices = done.stdout.splitlines()
    assert modules == fitting_module()
    assert devices

"""The native library: loading it, checking that it is the pinned one, and keeping what it logs.

llama.cpp reports most failures as NULL or a number and says why only in its log; the last of those lines are
kept here so that an error can quote them.
"""

import ctypes
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from engine.contract.errors import EngineMissing
from engine.contract.fit_messages import DeviceMemory
from engine.contract.packs import WRAPPER_VERSION
from engine.contract.processes import PACK_VARIABLE

KEPT_LOG_LINES = 50
_LEVEL_WARN, _LEVEL_ERROR = 3, 4  # ggml.h, enum ggml_log_level
_DEVICE_CPU, _DEVICE_GPU, _DEVICE_INTEGRATED = 0, 1, 2  # ggml-backend.h, enum ggml_backend_dev_type
_SHARES_MEMORY = ("Metal", "MTL")  # Apple's GPUs say that they are of the first kind
_SIZE_POINTER = ctypes.POINTER(ctypes.c_size_t)
_LOGGED_LEVELS = (_LEVEL_WARN, _LEVEL_ERROR)
_LOADED = re.compile(r"loaded \S+ backend from (.+)")  # ggml-backend-reg.cpp; no call of its tells it


class NativeLog:
    """llama.cpp's log: warnings and errors go on to stderr, the newest lines are kept."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LOG_LINES)
        self._listener: Callable[[str], None] | None = None

    def take(self, level: int, text: bytes) -> None:
        """Accept one piece of the log."""
        piece = text.decode("utf-8", errors="replace")
        if self._listener is not None:
            self._listener(piece)
        line = piece.rstrip()
        if level in _LOGGED_LEVELS and line:
            self._lines.append(line)
            print(line, file=sys.stderr, flush=True)

    @contextmanager
    def heard_by(self, listener: Callable[[str], None]) -> Iterator[None]:
        """Pass every piece of the log on while the context lasts: some calls say only there what they do."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None

    def clear(self) -> None:
        """Forget the lines, before a call whose own are wanted."""
        self._lines.clear()

    def last_reason(self) -> str:
        """The newest line that names a cause, without the function's name before it."""
        for line in reversed(self._lines):
            if "error" in line or "failed" in line or "invalid" in line:
                return line.partition(": ")[2] or line
        return self._lines[-1] if self._lines else ""


class Native:
    """The loaded library and its log."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.log = NativeLog()
        # ctypes keeps no reference of its own: this one lives as long as the library
        self._log_callback = library.llama_log_callback(lambda level, text, _: self.log.take(level, text))
        library.llama_log_set(self._log_callback, None)
        self.modules = load_backend_modules(library, self.log)
        library.llama_backend_init()

    @property
    def version(self) -> str:
        """Which llama-cpp-python this is, and with which engine pack."""
        pack = os.environ.get(PACK_VARIABLE, "")
        return f"{WRAPPER_VERSION} with {pack}" if pack else WRAPPER_VERSION

    def system_info(self) -> str:
        """The CPU features the library was built for and found."""
        text: bytes = self.library.llama_print_system_info()
        return text.decode("utf-8", errors="replace").strip()

    def devices(self) -> tuple[str, ...]:
        """The devices ggml has registered, by their own description."""
        ggml = self.library._lib
        ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
        ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
        ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
        ggml.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_description.restype = ctypes.c_char_p
        found = (ggml.ggml_backend_dev_get(index) for index in range(ggml.ggml_backend_dev_count()))
        return tuple(ggml.ggml_backend_dev_description(device).decode().strip() for device in found)

    def device_memory(self) -> tuple[DeviceMemory, ...]:
        """The devices that hold weights, and what is free on each now."""
        ggml = self.library._lib
        ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
        ggml.ggml_backend_dev_name.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_name.restype = ctypes.c_char_p
        ggml.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_description.restype = ctypes.c_char_p
        ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, _SIZE_POINTER, _SIZE_POINTER]
        found = []
        for index in range(ggml.ggml_backend_dev_count()):
            device = ggml.ggml_backend_dev_get(index)
            kind = ggml.ggml_backend_dev_type(device)
            if kind not in (_DEVICE_CPU, _DEVICE_GPU, _DEVICE_INTEGRATED):
                continue
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            name = ggml.ggml_backend_dev_name(device).decode()
            found.append(
                DeviceMemory(
                    name=name,
                    is_gpu=kind != _DEVICE_CPU,
                    free_bytes=free.value,
                    total_bytes=total.value,
                    description=ggml.ggml_backend_dev_description(device).decode().strip(),
                    is_unified=kind == _DEVICE_INTEGRATED or name.startswith(_SHARES_MEMORY),
                )
            )
        return tuple(found)


def load_backend_modules(library: Any, log: NativeLog) -> tuple[str, ...]:
    """Load the modules of a build with GGML_BACKEND_DL: for each kind of device the best that fits here.

    Such a build registers nothing by itself, and llama-cpp-python does not ask it to. Any other build has its
    backends already and is left alone. Returns the modules' names, for example `ggml-cpu-haswell`.
    """
    ggml = library._lib
    ggml.ggml_backend_reg_count.restype = ctypes.c_size_t
    said: list[str] = []
    if ggml.ggml_backend_reg_count() == 0:
        ggml.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
        ggml.ggml_backend_load_all_from_path.restype = None
        with log.heard_by(said.append):
            ggml.ggml_backend_load_all_from_path(os.fsencode(Path(ggml._name).parent))
    files = _LOADED.findall("".join(said))
    return tuple(Path(file.strip()).stem.removeprefix("lib") for file in files)


@cache
def load_native() -> Native:
    """Load llama.cpp once per process; raises EngineMissing where it is absent, broken or another version."""
    try:
        import llama_cpp  # noqa: PLC0415  (takes 0.2 s or more and is not always installed)
        import llama_cpp.llama_cpp as library  # noqa: PLC0415
    except (ImportError, OSError, RuntimeError, AttributeError) as error:  # the last: a function is missing
        raise EngineMissing(f"llama-cpp-python does not load: {error}") from error
    if llama_cpp.__version__ != WRAPPER_VERSION:
        raise EngineMissing(
            f"llama-cpp-python {llama_cpp.__version__} is installed, {WRAPPER_VERSION} is needed"
        )
    return Native(library)

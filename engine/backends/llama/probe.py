"""What the library in this process is: its commit, its functions, its default params, what it computes.

The host compares this with what the built-in library says of itself (`engine.host.pack_probe`). A library of
another commit may load and even write plausible text while a shifted structure makes it read wrong params
(docs/decisions/0027): the default params show that, field by field.
"""

import ctypes
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from engine.backends.llama.backend import LlamaBackend
from engine.backends.llama.native import Native, load_native
from engine.contract.packs import NativeFacts
from engine.contract.params import LoadParams
from engine.generation.backend import Entry

PROMPT = "Once upon a time there was a ferry that crossed the river every morning, and"
NUM_TOKENS = 24
CONTEXT_LENGTH = 256
_LIBRARIES = ("llama.", "ggml", "llama-")  # what a library's name begins with, but for "lib"
_DEFAULTS = (
    "llama_model_default_params",
    "llama_context_default_params",
    "llama_sampler_chain_default_params",
    "llama_model_quantize_default_params",
)
# what is called here besides llama.h, whose functions llama_cpp itself looks up when it is imported
_OWN_SYMBOLS = (
    "ggml_backend_dev_count",
    "ggml_backend_dev_get",
    "ggml_backend_dev_name",
    "ggml_backend_dev_description",
    "ggml_backend_dev_type",
    "ggml_backend_dev_memory",
    "ggml_backend_reg_count",
    "ggml_backend_load_all_from_path",
    "ggml_backend_cpu_buffer_type",
    "ggml_commit",
)


def native_facts(model: Path, follow: tuple[int, ...] = ()) -> NativeFacts:
    """Look at the library and let it go on with a text, or with these tokens of it.

    Raises EngineMissing, ModelError.
    """
    started = time.perf_counter()
    native = load_native()
    library = native.library
    tokens, margins, decode_tps = _go_on(model, follow)
    return NativeFacts(
        commit=_commit(native),
        missing=tuple(name for name in _OWN_SYMBOLS if not hasattr(library._lib, name)),
        strangers=_strangers(Path(library._lib._name).parent),
        defaults={
            f"{type(params).__name__}.{name}": value
            for params in (getattr(library, function)() for function in _DEFAULTS)
            for name, value in default_fields(params).items()
        },
        devices=native.device_memory(),
        tokens=tokens,
        margins=margins,
        decode_tps=decode_tps,
        seconds=time.perf_counter() - started,
    )


def default_fields(params: Any) -> dict[str, str]:
    """Every field of a structure as text: numbers as they are, of pointers only whether they are set."""
    return {name: _as_text(getattr(params, name)) for name, *_ in params._fields_}


def _as_text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, ctypes.Array):
        return "[" + ", ".join(map(_as_text, value)) + "]"
    if isinstance(value, ctypes.Structure):
        return "{" + ", ".join(f"{name} {text}" for name, text in default_fields(value).items()) + "}"
    return "set" if value else "null"  # a pointer or a function


def _commit(native: Native) -> str:
    try:
        ask = native.library._lib.ggml_commit
    except AttributeError:
        return ""
    ask.restype = ctypes.c_char_p
    return (ask() or b"").decode("utf-8", errors="replace")


def _strangers(folder: Path) -> tuple[str, ...]:
    """Libraries of llama.cpp in this process that are not in its folder: two builds in one would not agree.

    A search path of the environment can bring that about. macOS does not tell.
    """
    try:
        mapped = {Path(one.path) for one in psutil.Process().memory_maps()}
    except (AttributeError, psutil.Error):
        return ()
    own = folder.resolve()
    names = (path for path in mapped if path.name.removeprefix("lib").startswith(_LIBRARIES))
    return tuple(sorted(str(path) for path in names if path.parent.resolve() != own))


def _go_on(model: Path, follow: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[float, ...], float]:
    """Greedy tokens after the prompt, how clear each choice was, and tokens per second."""
    params = LoadParams(context_length=CONTEXT_LENGTH, sequences=1)
    backend = LlamaBackend(model, params, lambda _fraction: None, lambda: False)
    try:
        pending = backend.tokenize(PROMPT, add_special=True)
        position = 0
        tokens: list[int] = []
        margins: list[float] = []
        started = 0.0
        while len(tokens) < (len(follow) or NUM_TOKENS):
            row = backend.decode([Entry(0, position, pending)], lambda: False)[0]
            position += len(pending)
            started = started or time.perf_counter()
            second, first = np.partition(logits := backend.logits(row), -2)[-2:]
            tokens.append(int(np.argmax(logits)))
            margins.append(float(first - second))
            pending = [follow[len(tokens) - 1] if follow else tokens[-1]]
        return tuple(tokens), tuple(margins), (len(tokens) - 1) / (time.perf_counter() - started)
    finally:
        backend.close()

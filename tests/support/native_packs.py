"""Engine packs of every kind of badness, made of the installed library and a few lines of C.

A shim takes the library's place: it asks for the real one beside it and answers one function itself.
"""

import ctypes
import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from packs.archive import make_archive
from packs.build import libraries

from engine.contract.packs import MANIFEST_NAME, PackFile, PackManifest
from tests.support.zip_files import read_zip, write_zip

ABORTS = "__attribute__((constructor)) static void die(void) { __builtin_trap(); }"
OTHER_COMMIT = 'const char * ggml_commit(void) { return "86a2835"; }'
LACKS_FUNCTIONS = "int llama_nothing(void) { return 0; }"
# every byte that is read as offload_kqv and what lies behind it comes from one place before
OTHER_DEFAULTS = """
#define _GNU_SOURCE
#include <dlfcn.h>
struct params { char bytes[SIZE]; };
struct params llama_context_default_params(void) {
    struct params (*real)(void) = dlsym(RTLD_NEXT, "llama_context_default_params");
    struct params found = real();
    found.bytes[AT] = !found.bytes[AT];
    return found;
}
"""
COMPUTES_WRONGLY = """
#define _GNU_SOURCE
#include <dlfcn.h>
float * llama_get_logits_ith(void * context, int row) {
    float * (*real)(void *, int) = dlsym(RTLD_NEXT, "llama_get_logits_ith");
    float * logits = real(context, row);
    for (int token = 0; token < 300; token++) logits[token] = 50.0f + token;
    return logits;
}
"""
DIES_DECODING = "#include <stdlib.h>\nint llama_decode(void * context, void * batch) { abort(); }"


def installed_libraries() -> Path:
    """Where the installed wheel has its libraries; skips the test where there is none."""
    found = importlib.util.find_spec("llama_cpp")
    folders = found.submodule_search_locations if found is not None else None
    if not folders:
        pytest.skip("needs the llama-cpp-python wheel")
    return Path(next(iter(folders)), "lib")


def sound_pack(folder: Path) -> Path:
    """The archive of a pack that works, as `packaging/pack.py` makes it."""
    return make_archive(libraries(installed_libraries()), "cpu", (), folder)


def shim_pack(folder: Path, source: str, *, needs_real: bool = True) -> Path:
    """The archive of a pack whose libllama is compiled from C, with the real one behind it."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    work = folder / "shim"
    work.mkdir(parents=True)
    for path in libraries(installed_libraries()):
        shutil.copyfile(path, work / path.name)
    real = work / "libllama_real.so"
    (work / "libllama.so").rename(real)
    (work / "shim.c").write_text(source)
    command = ["gcc", "-shared", "-fPIC", "-w", "-O1", "-o", str(work / "libllama.so"), str(work / "shim.c")]
    if needs_real:
        command += ["-Wl,--no-as-needed", f"-L{work}", "-l:libllama_r.so", "-Wl,-rpath,$ORIGIN", "-ldl"]
        # the linker writes the soname of what it is given: ours has to be the file's own name
        _set_soname(real)
    subprocess.run(command, check=True)
    return make_archive(work.glob("*.so*"), "cpu", (), folder)


def other_defaults() -> str:
    """C whose default params differ in one field."""
    import llama_cpp.llama_cpp as library  # noqa: PLC0415  (not everywhere installed)

    params = library.llama_context_params
    size, at = ctypes.sizeof(params), params.offload_kqv.offset
    return OTHER_DEFAULTS.replace("SIZE", str(size)).replace("AT]", f"{at}]")


def changed_manifest(archive: Path, change: Callable[[PackManifest], PackManifest]) -> Path:
    """The same archive with another manifest."""
    entries = read_zip(archive)
    manifest = change(msgspec.json.decode(entries[MANIFEST_NAME], type=PackManifest))
    return write_zip(
        archive.with_name("changed.zip"), entries | {MANIFEST_NAME: msgspec.json.encode(manifest)}
    )


def first_file(manifest: PackManifest, **changes: object) -> PackManifest:
    """A manifest whose first file is said to be another."""
    first: PackFile = msgspec.structs.replace(manifest.files[0], **changes)
    return msgspec.structs.replace(manifest, files=(first, *manifest.files[1:]))


def _set_soname(library: Path) -> None:
    """Overwrite the soname in a library's string table by its file's name, which is no longer than that."""
    content = library.read_bytes()
    wanted, old = b"libllama_r.so", b"libllama.so.0"
    assert len(wanted) == len(old)
    library.write_bytes(content.replace(old + b"\0", wanted + b"\0", 1))
    library.rename(library.with_name(wanted.decode()))

"""llama.cpp's libraries for any CPU of this architecture, built from the locked source.

The wheel that `run.py` builds is for the CPU it was built on and dies of an illegal instruction on an older
one. Here the code for CPUs is a module per generation (GGML_CPU_ALL_VARIANTS) and ggml loads the best that
fits (`load_backend_modules` in engine/backends/llama/native.py).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from bundling.environment import with_tools
from set_up.llama_build import parallel_jobs
from set_up.llama_source import kept_source
from set_up.places import Places
from set_up.progress import SetUpError

# Never taken: where it would be, Qt and NumPy do not run either (x86-64-v2).
_NOT_KEPT = {"libggml-cpu-x64.so"}
RECIPE = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DGGML_CCACHE=OFF",
    "-DGGML_BUILD_TESTS=OFF",
    *(f"-DLLAMA_BUILD_{part}=OFF" for part in ("COMMON", "TESTS", "TOOLS", "EXAMPLES", "SERVER", "APP")),
    "-DLLAMA_OPENSSL=OFF",
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",  # one file for each library, no copies under three names
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_INSTALL_RPATH=" + ("@loader_path" if sys.platform == "darwin" else "$ORIGIN"),
)
LIBRARIES = {"linux": ("lib*.so",), "darwin": ("lib*.dylib", "lib*.so"), "win32": ("*.dll",)}


def native_libraries(places: Places, environment: Path) -> Path:
    """The folder of the libraries, built where the cache has none by this recipe; 10 to 30 minutes."""
    source = kept_source(places)
    if source is None:
        raise SetUpError("llama.cpp's locked source is not in the cache: `python3 run.py test` fetches it")
    kept = kept_libraries(places)
    if not kept.is_dir():
        work = places.root / "build" / "native"
        _unpack(source, work / "source")
        _compile(work / "source", work / "build", with_tools(environment))
        keep_libraries(work / "build" / "bin", kept)
    return kept


def kept_libraries(places: Places) -> Path:
    """Where the libraries by this recipe are kept once they are built."""
    # the name of the source package has its version, and the lock has its hash
    key = hashlib.sha256("\n".join([places.lock_digest("llama.txt"), *RECIPE]).encode()).hexdigest()[:16]
    return places.cache / "native" / key


def libraries_of_the_wheel(places: Places) -> Path:
    """The libraries that `run.py` built, which fit this computer's CPU and perhaps no other; quick to have.

    A wheel has each library under three names; taken is the one that it is looked for by.
    """
    wheel = next(places.wheels.glob("*/llama_cpp_python-*.whl"), None)
    if wheel is None:
        raise SetUpError("there is no wheel of llama.cpp in the cache: `python3 run.py` builds one")
    folder = places.root / "build" / "native-of-this-cpu"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in ("libllama.so", "libggml.so.0", "libggml-base.so.0", "libggml-cpu.so.0"):
            (folder / name).write_bytes(archive.read(f"llama_cpp/lib/{name}"))
    return folder


def _unpack(source: Path, folder: Path) -> None:
    if folder.is_dir():
        return
    unfinished = folder.with_name("source.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tarfile.open(source) as archive:
        archive.extractall(unfinished, filter="data")
    (next(unfinished.iterdir()) / "vendor" / "llama.cpp").rename(folder)
    shutil.rmtree(unfinished)


def _compile(source: Path, build: Path, environ: dict[str, str]) -> None:
    # a path of this computer in an assertion's text would make two builds differ
    flags = f"-ffile-prefix-map={source}=llama.cpp"
    configure = ["cmake", "-S", str(source), "-B", str(build), "-G", "Ninja", *RECIPE]
    configure += [f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}"]
    subprocess.run(configure, check=True, env=environ, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(build), f"-j{parallel_jobs()}"], check=True, env=environ)


def keep_libraries(built: Path, kept: Path) -> None:
    """Copy the libraries without debuggers' symbols; the folder appears whole or not at all."""
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    unfinished.mkdir(parents=True)
    try:
        built_here = (file for kind in LIBRARIES[sys.platform] for file in built.glob(kind))
        for library in sorted(file for file in built_here if file.name not in _NOT_KEPT):
            shutil.copyfile(library, unfinished / library.name)
            if sys.platform == "linux":
                subprocess.run(["strip", "--strip-unneeded", str(unfinished / library.name)], check=True)
        unfinished.rename(kept)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)

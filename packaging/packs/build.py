"""Builds llama.cpp from the locked source by a recipe, and collects what a pack consists of."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from packs.pinned import LLAMA_COMMIT
from packs.recipes import Recipe, configure_options
from set_up.llama_build import parallel_jobs
from set_up.llama_source import kept_source
from set_up.places import Places
from set_up.progress import SetUpError

_ENDINGS = {"linux": "*.so", "darwin": "*.dylib", "win32": "*.dll"}
_CUDA_RUNTIME = {
    "linux": ("libcudart.so.*", "libcublas.so.*", "libcublasLt.so.*"),
    "win32": ("cudart64_*.dll", "cublas64_*.dll", "cublasLt64_*.dll"),
}
_LIBRARIES = ("llama", "ggml", "mtmd")  # what a library's name begins with, but for "lib"


def build(places: Places, recipe: Recipe) -> list[Path]:
    """Build by a recipe, which takes 5 minutes (CPU) to hours (CUDA); returns the libraries.

    Raises SetUpError where something to build with is missing, CalledProcessError where a tool fails.
    """
    if sys.platform not in recipe.systems:
        raise SetUpError(f"a {recipe.kind} pack is not built on {sys.platform}")
    missing = [tool for tool in ("cmake", "ninja", "git", *recipe.tools) if shutil.which(tool) is None]
    if missing:
        raise SetUpError(f"{', '.join(missing)} missing: a {recipe.kind} pack needs {recipe.needs}")
    work = places.root / "build" / "packs" / recipe.kind
    source = _unpack(places, work / "source")
    configure = ["cmake", "-S", str(source), "-B", str(work / "build"), "-G", "Ninja"]
    subprocess.run([*configure, *configure_options(recipe)], check=True)
    subprocess.run(["ninja", "-C", str(work / "build"), f"-j{parallel_jobs()}"], check=True)
    found = libraries(work / "build" / "bin")
    return [*found, *(_cuda_runtime() if recipe.kind == "cuda" else ())]


def libraries(folder: Path) -> list[Path]:
    """What of a folder belongs into a pack: llama.cpp's libraries, each under the name that it is loaded by.

    A folder of a wheel has every library under three names; the one is taken that others ask for.
    """
    found = [path for path in folder.glob("*") if path.name.removeprefix("lib").startswith(_LIBRARIES)]
    versioned = [path for path in found if ".so." in path.name]
    if not versioned:
        return sorted(path for path in found if path.match(_ENDINGS[sys.platform]))
    opened = {"libllama.so", "libmtmd.so"}  # by the wrapper; who else asks for them finds them loaded
    sonames = {path.name for path in versioned if path.name.rpartition(".so.")[2].isdecimal()}
    needed = {name for name in sonames if name.rpartition(".")[0] not in opened}
    return sorted(path for path in found if path.name in opened | needed)


def _unpack(places: Places, folder: Path) -> Path:
    """The folder of llama.cpp's source in the unpacked package.

    The package stays whole: llama.cpp's .git points into that of the package, and without it ggml's build
    finds no commit, or that of a repository further up, and the library says so for ever.
    """
    package = kept_source(places)
    if package is None:
        raise SetUpError("llama.cpp's locked source is not in the cache: `python3 run.py test` fetches it")
    if not folder.is_dir():
        unfinished = folder.with_name("source.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        with tarfile.open(package) as archive:
            archive.extractall(unfinished, filter="data")
        next(unfinished.iterdir()).rename(folder)
        shutil.rmtree(unfinished)
    source = folder / "vendor" / "llama.cpp"
    asked = ["git", "-C", str(source), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    if commit != LLAMA_COMMIT:
        raise SetUpError(f"the locked source is of commit {commit}, packs are of {LLAMA_COMMIT}")
    return source


def _cuda_runtime() -> list[Path]:
    """CUDA's own libraries, which a driver alone does not bring."""
    compiler = shutil.which("nvcc")
    assert compiler is not None
    toolkit = Path(compiler).resolve().parent.parent
    folder = toolkit / ("bin" if sys.platform == "win32" else "lib64")
    found = [path for pattern in _CUDA_RUNTIME[sys.platform] for path in folder.glob(pattern)]
    sonames = [path for path in found if path.suffix == ".dll" or path.name.count(".") == 2]
    if len(sonames) < len(_CUDA_RUNTIME[sys.platform]):
        raise SetUpError(f"CUDA's libraries are not in {folder}")
    return sorted(sonames)

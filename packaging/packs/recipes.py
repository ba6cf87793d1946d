"""How llama.cpp is built for each kind of device: always from the locked source, so that packs fit.

Code for CPUs is in every pack, a module per generation: what does not fit a GPU is computed there. A Vulkan
pack runs on NVIDIA, AMD and Intel and needs the user's loader (libvulkan.so.1, vulkan-1.dll); where that is
missing ggml leaves the module out and the probe says that there is no GPU.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

_CPUS = ("-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON")
COMMON = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_CCACHE=OFF",
    "-DGGML_BUILD_TESTS=OFF",
    *(f"-DLLAMA_BUILD_{part}=OFF" for part in ("COMMON", "TESTS", "TOOLS", "EXAMPLES", "SERVER", "APP")),
    "-DLLAMA_OPENSSL=OFF",
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",  # one file for each library, no copies under three names
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
)
_RPATH = {"linux": "-DCMAKE_INSTALL_RPATH=$ORIGIN", "darwin": "-DCMAKE_INSTALL_RPATH=@loader_path"}


@dataclass(frozen=True)
class Recipe:
    """One kind of pack."""

    kind: str
    systems: tuple[str, ...]  # as sys.platform says them
    options: tuple[str, ...]
    tools: tuple[str, ...]  # programs that have to be there besides cmake, ninja, git and a C++ compiler
    needs: str  # for whoever builds


RECIPES = {
    recipe.kind: recipe
    for recipe in (
        Recipe(
            kind="cpu",
            systems=("linux", "win32", "darwin"),
            options=_CPUS,
            tools=(),
            needs="a C++17 compiler",
        ),
        Recipe(
            kind="vulkan",
            systems=("linux", "win32"),
            options=(*_CPUS, "-DGGML_VULKAN=ON"),
            tools=("glslc",),
            needs="the Vulkan SDK, or libvulkan-dev, glslc and spirv-headers of Debian",
        ),
        Recipe(
            kind="cuda",
            systems=("linux", "win32"),
            # Turing to Blackwell; older cards have the Vulkan pack. Mixed KV types need all of its attention.
            options=(
                *_CPUS,
                "-DGGML_CUDA=ON",
                "-DCMAKE_CUDA_ARCHITECTURES=75-virtual;80-virtual;86-real;89-real;90-virtual;120-virtual",
                "-DGGML_CUDA_FA_ALL_QUANTS=ON",
                "-DGGML_CUDA_NCCL=OFF",
            ),
            tools=("nvcc",),
            needs="CUDA toolkit 12.8 or newer; cudart, cublas and cublasLt are put into the pack",
        ),
        Recipe(
            kind="metal",
            systems=("darwin",),
            options=(
                "-DGGML_METAL=ON",
                "-DGGML_METAL_EMBED_LIBRARY=ON",
                "-DCMAKE_OSX_DEPLOYMENT_TARGET=14.0",
            ),
            tools=("xcrun",),
            needs="Xcode's command line tools on a Mac with Apple's own processor",
        ),
    )
}


def configure_options(recipe: Recipe) -> tuple[str, ...]:
    """All options of cmake for this system."""
    return (*COMMON, *recipe.options, *((_RPATH[sys.platform],) if sys.platform in _RPATH else ()))

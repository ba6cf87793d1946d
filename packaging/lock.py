"""Write the lock files in requirements/ anew from pyproject.toml: `python packaging/lock.py [--upgrade]`.

A maintainers' tool: it needs `uv` and the package index, and run.py never calls it. Every entry gets hashes
and no file gets an address, so the same files serve every index. What it does not know: how run.py uses them.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# uv's names of the systems a lock must have wheels for; the floors are PySide6's.
SYSTEMS = ("x86_64-manylinux_2_34", "aarch64-manylinux_2_39", "macos", "x86_64-apple-darwin", "windows")

TORCH = "2.13.0"
# torch's dependencies that only its CUDA build uses: the CPU build does without, and they are several GB.
CUDA_ONLY = re.compile(r"^(nvidia-|cuda-|triton)")
# PyTorch's own CPU builds for Linux (the package index has only the CUDA build), by machine and Python.
# For a new version take them from its index; these were also found in several projects' public lock files.
TORCH_LINUX = {
    ("x86_64", "3.11"): "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    ("x86_64", "3.12"): "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
    ("x86_64", "3.13"): "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",
    ("x86_64", "3.14"): "d20fa53ee744502fa4c69818a720b05ca0d37abd055d4f6e66cae155114bc691",
    ("aarch64", "3.11"): "84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7",
    ("aarch64", "3.12"): "6f307c2c32d764ffc6ff6893b801fad6d4752f3e67966cb8abf1843427c02604",
    ("aarch64", "3.13"): "0b8f7d0423027ae8b90c7977c627f3379f325363a08224dffad9b4b2d684a83d",
    ("aarch64", "3.14"): "ca021f9eb2f8345c83fa03e3a04587308afb8df71bd472670b3ece00df58621c",
}
# Elsewhere the package index's build is the CPU one: (sys_platform, platform_machine, pip's platform tag).
TORCH_ELSEWHERE = (("darwin", "arm64", "macosx_14_0_arm64"), ("win32", "AMD64", "win_amd64"))

HEADER = (
    "# Written by packaging/lock.py from pyproject.toml; change that and run it, and leave this file alone.\n"
)


def compile_lock(uv: str, output: Path, *arguments: str) -> str:
    """Resolve for every system and Python at once; `output`'s old pins are kept where they fit."""
    command = [uv, "pip", "compile", "--universal", "--python-version", PYTHONS[0], "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-annotate", "--no-header", "--quiet", "-o", str(output)]
    subprocess.run([*command, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return "".join(entry for entry in entries(output.read_text()) if not only_for_browsers(entry))


def entries(lock_text: str) -> list[str]:
    """Split a lock file into its requirements, each with the hash lines that belong to it."""
    lines = [line for line in lock_text.splitlines(keepends=True) if not line.startswith("#")]
    return re.findall(r"^\S.*?(?=^\S|\Z)", "".join(lines), re.MULTILINE | re.DOTALL)


def only_for_browsers(entry: str) -> bool:
    """Tell whether an entry is only for Python inside a web browser (Emscripten)."""
    return "sys_platform == 'emscripten'" in entry


def check_lock(name: str, lock_text: str) -> None:
    """Refuse a lock with an address, a local path or an entry that lacks a hash."""
    for entry in entries(lock_text):
        requirement = entry.splitlines()[0]
        if "--hash=sha256:" not in entry:
            raise SystemExit(f"{name}: no hash for {requirement}")
        if "://" in entry or "/" in requirement.split(";")[0] or " @ " in requirement:
            raise SystemExit(f"{name}: an address or a path in {requirement}")


def check_wheels(uv: str, *arguments: str) -> None:
    """Make sure every locked package has a ready-made wheel for every system and Python we name."""

    def missing(system: str, python: str) -> str:
        command = [uv, "pip", "compile", "--python-platform", system, "--python-version", python]
        command += ["--only-binary", ":all:", "--no-header", "--quiet", *arguments]
        result = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
        return f"{system}, Python {python}: {result.stderr.strip()}" if result.returncode else ""

    pairs = [(system, python) for system in SYSTEMS for python in PYTHONS]
    with ThreadPoolExecutor(max_workers=8) as pool:  # it waits for the index, not for the CPU
        found = [text for text in pool.map(lambda pair: missing(*pair), pairs) if text]
    if found:
        raise SystemExit("no wheels for " + "\n".join(found))


def index_hash(python: str, platform_tag: str) -> str:
    """Ask the configured package index, through pip, for the hash of torch's wheel without downloading it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--no-deps", "--only-binary", ":all:", "--target", folder, "--platform", platform_tag]
        command += ["--python-version", python, "--report", str(report), f"torch=={TORCH}"]
        subprocess.run(command, check=True)
        download = json.loads(report.read_text())["install"][0]["download_info"]
    found: str = download["archive_info"]["hashes"]["sha256"]
    return found


def torch_entry(version: str, system: str, machine: str, python: str, digest: str) -> str:
    """Return the line of one interpreter; run.py reads these lines too (set_up/torch_wheel.py)."""
    marker = f"sys_platform == '{system}' and platform_machine == '{machine}'"
    return f"torch=={version} ; {marker} and python_version == '{python}' \\\n    --hash=sha256:{digest}\n"


def is_torch(entry: str) -> bool:
    """Tell whether an entry is torch itself."""
    return entry.startswith("torch==")


def torch_lock(uv: str) -> str:
    """Lock torch's dependencies without CUDA, and torch itself one interpreter at a time."""
    old = REQUIREMENTS / "torch.txt"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "torch.txt"
        pins = entries(old.read_text()) if old.exists() else []
        output.write_text("".join(entry for entry in pins if not is_torch(entry)))
        constraints = ("-c", "requirements/base.txt", "-c", "requirements/test.txt")
        text = compile_lock(uv, output, "--group", "pyproject.toml:torch", *constraints)
    kept = [entry for entry in entries(text) if not CUDA_ONLY.match(entry) and not is_torch(entry)]
    # `+cpu` keeps pip from ever taking the index's CUDA build on Linux.
    kept += [
        torch_entry(f"{TORCH}+cpu", "linux", machine, python, digest)
        for (machine, python), digest in TORCH_LINUX.items()
    ]
    kept += [
        torch_entry(TORCH, system, machine, python, index_hash(python, tag))
        for system, machine, tag in TORCH_ELSEWHERE
        for python in PYTHONS
    ]
    return "".join(kept)


def main() -> None:
    """Write the six lock files, check them, and say which changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    parser.add_argument("--uv", default=shutil.which("uv"), help="the uv to use (default: the one on PATH)")
    chosen = parser.parse_args()
    if not chosen.uv:
        raise SystemExit("uv is needed: python3 -m pip install uv, or --uv PATH")
    upgrade = ("--upgrade",) if chosen.upgrade else ()
    inputs: dict[str, tuple[str, ...]] = {
        "base.txt": ("pyproject.toml",),
        "test.txt": ("pyproject.toml", "--group", "test", "-c", "requirements/base.txt"),
        "llama.txt": ("--no-deps", "--group", "pyproject.toml:llama"),
        "build.txt": ("--group", "pyproject.toml:build", "-c", "requirements/base.txt"),
        "llama-build.txt": ("--group", "pyproject.toml:llama-build", "-c", "requirements/test.txt"),
    }
    for name, arguments in inputs.items():
        write(name, compile_lock(chosen.uv, REQUIREMENTS / name, *arguments, *upgrade))
    write("torch.txt", torch_lock(chosen.uv))
    check_wheels(chosen.uv, "pyproject.toml", "--group", "test", "-c", "requirements/test.txt")
    check_wheels(chosen.uv, "--group", "pyproject.toml:build", "-c", "requirements/build.txt")
    check_wheels(chosen.uv, "--group", "pyproject.toml:llama-build", "-c", "requirements/llama-build.txt")


def write(name: str, lock_text: str) -> None:
    """Check a lock and write it with its header."""
    check_lock(name, lock_text)
    (REQUIREMENTS / name).write_text(HEADER + lock_text)
    print(f"requirements/{name}: {len(entries(lock_text))} entries")


if __name__ == "__main__":
    main()

"""Converting by llama.cpp's own scripts: for layouts that ours does not know.

They come out of the source package of the very version that runs here, which the set-up keeps in the cache
folder, and run in a process without network (`offline`). A package with another hash is not touched.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.contract.errors import EngineMissing, ModelUnsupported, StorageFailed
from engine.contract.processes import bare_environment, child_command
from engine.library.disk_room import check_room
from engine.library.gguf import read_header
from engine.library.places import UNFINISHED
from engine.worker.job.foreign_code import refuse_foreign_code

PACKAGE = "llama_cpp_python-0.3.36.tar.gz"
PACKAGE_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
SCRIPT = "convert_hf_to_gguf.py"
TAKEN = (SCRIPT, "conversion/", "gguf-py/")  # below vendor/llama.cpp
NEEDED = ("torch", "transformers")
OUTPUT_TYPES = {"F32": "f32", "F16": "f16", "BF16": "bf16", "Q8_0": "q8_0"}
KEPT_LINES = 40  # of what it says, for the reason of a failure

_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_PERCENT = re.compile(r"(\d+)%\|")


def convert_by_scripts(
    source: Path,
    target: Path,
    *,
    weight_type: str,
    sources: Path,
    folder: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Write the checkpoint `source` to `target`. `sources` keeps the package, `folder` takes the scripts.

    Raises EngineMissing where something has to be installed first, ModelUnsupported for a folder that brings
    code or that the scripts refuse, StorageFailed where the disk has no room.
    """
    package = check_scripts(source, sources)
    size = sum(path.stat().st_size for path in source.glob("*.safetensors"))
    check_room(target, size // 4)  # the least that any of the types takes of 32 bits
    script = unpack(package, folder)
    part = target.with_name(target.name + UNFINISHED)
    try:
        said = _run(script, [str(source), "--outtype", OUTPUT_TYPES[weight_type]], part, progress)
        if not part.is_file():
            raise ModelUnsupported(str(source), f"llama.cpp's scripts refuse it: {_reason(said)}")
        read_header(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def check_scripts(source: Path, sources: Path) -> Path:
    """Raise what `convert_by_scripts` would raise before it starts; returns the package."""
    refuse_foreign_code(source)
    package = kept_package(sources)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise _missing(*missing)
    return package


def kept_package(sources: Path) -> Path:
    """The source package; raises EngineMissing, in words, where it is not the one that is expected."""
    path = sources / PACKAGE
    if not path.is_file():
        raise EngineMissing(
            f"llama.cpp's scripts are not here: `python3 run.py test` fetches them; or put PyPI's {PACKAGE} "
            f"into {sources}"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != PACKAGE_SHA256:
        raise EngineMissing(f"{path} is not the source package of the llama.cpp that runs here: delete it")
    return path


def unpack(package: Path, folder: Path) -> Path:
    """Put the scripts into `folder`; returns the one to run."""
    with tarfile.open(package) as archive:
        archive.extractall(folder, members=_scripts_in(archive), filter="data")
    return folder / SCRIPT


def _scripts_in(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        _, found, name = member.name.partition("/vendor/llama.cpp/")
        if found and member.isfile() and name.startswith(TAKEN):
            yield member.replace(name=name, deep=False)


def _run(script: Path, words: Sequence[str], part: Path, progress: Callable[[int, int], None]) -> str:
    """The last lines that the script says; what it wrote tells whether it went well."""
    words = [str(os.getpid()), str(script), *words, "--outfile", str(part)]
    process = subprocess.Popen(
        child_command("engine.worker.job.offline", *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(script.parent),
    )
    assert process.stderr is not None
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    with process, process.stderr:
        for line in process.stderr:
            text = line.decode(errors="replace").strip()
            if match := _PERCENT.search(text.rpartition("\r")[2]):
                progress(int(match[1]), 100)
            elif text:
                lines.append(text)
        if process.wait() != 0:
            part.unlink(missing_ok=True)
    said = "\n".join(lines)
    if match := _NO_MODULE.search(said):
        raise _missing(match[1])
    if "No space left on device" in said or "File too large" in said:
        raise StorageFailed(str(part), "No space left on device")
    return said


def _missing(*packages: str) -> EngineMissing:
    return EngineMissing(
        f"llama.cpp's scripts need {' and '.join(packages)}: install with "
        f"`.venv/bin/python -m pip install {' '.join(packages)}`, then convert again"
    )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's; every cache that a library might write is in the job's folder."""
    kept = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    home = str(folder)
    kept |= {"HF_HOME": home, "HOME": home, "USERPROFILE": home, "PYTHONDONTWRITEBYTECODE": "1"}
    return bare_environment() | kept | {"PYTHONWARNINGS": "ignore"}


def _reason(said: str) -> str:
    """The last thing that it says, without the names of its logger."""
    last = said.strip().rpartition("\n")[2]
    return re.sub(r"^(ERROR|INFO|WARNING):[\w.-]+:", "", last).strip()[:300] or "it said nothing"

"""Run a bundle on emulated CPUs and on this one: each has to load the module of llama.cpp that fits it.

    python3 packaging/cpu_test.py build/dist/retort

QEMU's user emulation knows which instructions a CPU has and ends the program at any other. It emulates one
process, so a copy of the bundle gets a script in place of its executable: every child of Retort starts by
that name and is emulated too. Needs qemu-user; a minute or two for each CPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from checking.installed import asked, bare  # noqa: E402

from set_up.cpu import feature_flags  # noqa: E402

# The oldest that Qt and NumPy run on (x86-64-v2), and the first with AVX2. QEMU has no AVX-512.
EMULATED = {"Nehalem": "ggml-cpu-sse42", "Haswell": "ggml-cpu-haswell"}
# The newest first: the flags in /proc/cpuinfo that a module of llama.cpp needs beyond those of the next ones.
MODULES = (
    ("ggml-cpu-sapphirerapids", {"avx512f", "avx512vbmi", "avx512_vnni", "avx512_bf16", "amx_int8"}),
    ("ggml-cpu-zen4", {"avx512f", "avx512vbmi", "avx512_vnni", "avx512_bf16"}),
    ("ggml-cpu-cooperlake", {"avx512f", "avx512_vnni", "avx512_bf16"}),
    ("ggml-cpu-icelake", {"avx512f", "avx512vbmi", "avx512_vnni"}),
    ("ggml-cpu-cascadelake", {"avx512f", "avx512_vnni"}),
    ("ggml-cpu-cannonlake", {"avx512f", "avx512vbmi"}),
    ("ggml-cpu-skylakex", {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}),
    ("ggml-cpu-alderlake", {"avx2", "fma", "f16c", "bmi2", "avx_vnni"}),
    ("ggml-cpu-haswell", {"avx2", "fma", "f16c", "bmi2"}),
    ("ggml-cpu-piledriver", {"avx", "fma", "f16c"}),
    ("ggml-cpu-ivybridge", {"avx", "f16c"}),
    ("ggml-cpu-sandybridge", {"avx"}),
    ("ggml-cpu-sse42", {"sse4_2"}),
)
_SCRIPT = """#!/bin/sh
exec qemu-x86_64 -cpu {cpu} "{program}" "$@"
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that runs from a folder, with a HOME of its own."""

    program: Path
    home: Path

    def command(self, *words: str, **environment: str) -> list[str]:
        """Retort without the network; PATH has qemu-user and what else there is."""
        return [
            "unshare",
            "-rn",
            *bare(self.home, os.environ["PATH"], environment),
            str(self.program),
            *words,
        ]


def emulated(bundle: Path, cpu: str, folder: Path) -> Bundle:
    """A copy of the bundle, as links, whose processes all run on the emulated CPU."""
    shutil.copytree(bundle, folder / "retort", copy_function=os.link, symlinks=True)
    program = folder / "retort" / "retort"
    real = program.rename(program.with_name("emulated"))
    program.write_text(_SCRIPT.format(cpu=cpu, program=real), encoding="utf-8")
    program.chmod(0o755)
    return Bundle(program, folder)


def fitting_module() -> str:
    """The best module for this computer's CPU, by what the kernel says of it."""
    flags = set(feature_flags())
    return next(module for module, needed in MODULES if needed <= flags)


def check(bundle: Bundle, wanted: str) -> str:
    """Answer with the built-in model; returns the loaded module, which must be `wanted`."""
    answer = asked(bundle, "run", "builtin", "Hello", "--max-tokens", "8", "--json")
    assert answer["text"].strip(), answer
    report = asked(bundle, "doctor", "--json")
    module: str = report["engine_modules"]
    if module != wanted:
        raise SystemExit(f"{module} was loaded, {wanted} should have been")
    return module


def main() -> int:
    """Check one bundle; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    bundle = parser.parse_args().bundle.resolve()
    with tempfile.TemporaryDirectory(prefix="retort-cpu-") as home:
        module = check(Bundle(bundle / "retort", Path(home)), fitting_module())
        print(f"this CPU: {module}", flush=True)
    for cpu, wanted in EMULATED.items():
        with tempfile.TemporaryDirectory(prefix="retort-cpu-", dir=bundle.parent) as folder:
            print(f"{cpu}: {check(emulated(bundle, cpu, Path(folder)), wanted)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

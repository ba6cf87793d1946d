"""Write resources/components/torch.json from requirements/torch.txt: `python packaging/component_lock.py`.

A maintainers' tool: pip fetches every wheel once, against the hashes of that lock, to know its size and what
it unpacks to. What the bundle already brings (requirements/base.txt) is no part of a component.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from lock import REQUIREMENTS, ROOT, entries

TARGET = ROOT / "resources" / "components" / "torch.json"
PYTHON = "3.11"  # of the bundle
# (our name of the system, what markers call it and its machine, pip's platform tags)
SYSTEMS = (
    ("linux-x86_64", "linux", "x86_64", ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64")),
    ("darwin-arm64", "darwin", "arm64", ("macosx_14_0_arm64",)),
    ("win32-x86_64", "win32", "AMD64", ("win_amd64",)),
)
WANTED = ("torch", "tokenizers", "sympy", "mpmath", "networkx")  # the rest of torch's needs the bundle has
MODULES = ("torch", "tokenizers")


def chosen(system: str, machine: str) -> list[str]:
    """The lock's entries of the wanted packages for one system."""
    wanted = []
    for entry in entries((REQUIREMENTS / "torch.txt").read_text(encoding="utf-8")):
        head = entry.splitlines()[0].rstrip("\\ ")
        name, _, marker = head.partition(";")
        if name.partition("==")[0].strip() in WANTED and holds(marker, system, machine):
            hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)
            wanted.append(f"{name.strip()} {' '.join(hashes)}")
    return wanted


def holds(marker: str, system: str, machine: str) -> bool:
    """Whether a requirement's marker holds there, for the bundle's Python."""
    from packaging.markers import Marker  # noqa: PLC0415  (the package of this name, not this folder)

    place = {"sys_platform": system, "platform_machine": machine}
    python = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
    return not marker.strip() or Marker(marker).evaluate({**place, **python})


def fetch(requirements: list[str], platforms: tuple[str, ...], folder: Path) -> list[Path]:
    """The wheels, fetched by pip against their hashes."""
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", PYTHON, "--require-hashes", "-r", str(listed), "-d", str(folder)]
    subprocess.run([*command, *(word for tag in platforms for word in ("--platform", tag))], check=True)
    return sorted(folder.glob("*.whl"))


def described(wheel: Path, digest: str) -> dict[str, object]:
    """A wheel as the component's lock has it."""
    index = "pytorch_cpu" if "+cpu" in wheel.name else "python_packages"
    return {"file": wheel.name, "sha256": digest, "size_bytes": wheel.stat().st_size, "index": index}


def sha256(path: Path) -> str:
    """A file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Fetch for every system and write the lock."""
    systems: dict[str, list[dict[str, object]]] = {}
    packed = unpacked = 0
    version = ""
    for name, system, machine, platforms in SYSTEMS:
        with tempfile.TemporaryDirectory() as folder:
            wheels = fetch(chosen(system, machine), platforms, Path(folder))
            systems[f"{name}-cp{PYTHON.replace('.', '')}"] = [described(w, sha256(w)) for w in wheels]
            for wheel in wheels:
                packed += wheel.stat().st_size
                unpacked += sum(member.file_size for member in zipfile.ZipFile(wheel).infolist())
                version = wheel.name.split("-")[1] if wheel.name.startswith("torch-") else version
        print(f"{name}: {len(wheels)} wheels")
    lock = {
        "name": "torch",
        "version": version.partition("+")[0],
        "modules": MODULES,
        "unpacked_per_byte": round(unpacked / packed, 2),
        "systems": systems,
    }
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The installer for Windows: what is told to makensis, and the list of what the uninstaller deletes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "windows" / "retort.nsi"


def make_setup(payload: Path, target: Path, version: str, icon: Path) -> Path:
    """Pack a bundle's folder into `target`, an executable; raises SystemExit where makensis fails.

    `version` is three numbers with points, `icon` a file in Windows' form.
    """
    makensis = shutil.which("makensis")
    if makensis is None:
        raise SystemExit("makensis is needed: the package `nsis` of Debian, or NSIS 3 for Windows")
    work = target.with_suffix(".parts")
    work.mkdir(parents=True, exist_ok=True)
    (work / "removals.nsh").write_text(removals(payload), encoding="utf-8-sig")
    size_kb = sum(file.stat().st_size for file in payload.rglob("*") if file.is_file()) // 1024
    told = {
        "PAYLOAD": payload.resolve(),
        "OUTFILE": target.resolve(),
        "VERSION": version,
        "SIZE_KB": size_kb,
        "ICON": icon.resolve(),
        "REMOVALS": (work / "removals.nsh").resolve(),
    }
    words = [f"-D{name}={value}" for name, value in told.items()]
    command = [makensis, "-V2", "-WX", "-INPUTCHARSET", "UTF8", *words, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"makensis: status {done.returncode}\n{done.stdout}{done.stderr}")
    shutil.rmtree(work)
    return target


def removals(payload: Path) -> str:
    """The uninstaller's lines: every file of the payload by name, then its folders, the deepest first.

    Never a whole folder: whoever installs into one that has other things in it must not lose them.
    """
    inside = sorted(path.relative_to(payload) for path in payload.rglob("*"))
    files = [path for path in inside if not (payload / path).is_dir()]
    folders = sorted((path for path in inside if (payload / path).is_dir()), reverse=True)
    lines = [f'Delete "$INSTDIR\\{_named(path)}"' for path in files]
    lines += [f'RMDir "$INSTDIR\\{_named(path)}"' for path in folders]
    return "\n".join(lines) + "\n"


def _named(path: Path) -> str:
    r"""A path as a string of NSIS: backslashes between the parts, `$` doubled."""
    return "\\".join(path.parts).replace("$", "$$")

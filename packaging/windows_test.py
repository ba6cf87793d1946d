"""Install, under wine, what `build.py nsis` makes of a placeholder; look at every trace of it; uninstall it.

    python3 packaging/windows_test.py

Shown is the installer itself: files, registry, start menu, another program's association left alone, an
update, a refusal while the program runs, an uninstall that leaves what is not its own. Not shown is Retort on
Windows, whose bundle only a Windows computer can make. Needs makensis, a 64-bit wine and PySide6 (`bundle`'s
environment or .venv); takes a minute, most of it wine's first start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from installers.icons import write_ico
from installers.nsis import make_setup

ROOT = Path(__file__).resolve().parents[1]
WINE_PLACES = ("wine64", "/usr/lib/wine/wine64", "wine")
LIMIT_S = 300.0
CLASSES = r"HKCU\Software\Classes"
UNINSTALL = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Retort"


def find_wine() -> str | None:
    """A wine that runs 64-bit programs, if one is installed."""
    return next((found for place in WINE_PLACES if (found := shutil.which(place))), None)


class Wine:
    """A Windows of its own below a folder."""

    def __init__(self, program: str, folder: Path) -> None:
        """Make its registry and folders."""
        self._program = program
        self._environment = os.environ | {
            "WINEPREFIX": str(folder),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",  # else it asks to download them
        }
        self._environment.pop("DISPLAY", None)
        self.run("wineboot", "--init")
        (self.user,) = (user for user in (folder / "drive_c" / "users").iterdir() if user.name != "Public")

    def run(self, *words: str | Path, status: int = 0) -> str:
        """What a program prints; raises SystemExit where it ends with another status."""
        command = [self._program, *map(str, words)]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, timeout=LIMIT_S, check=False
        )
        if done.returncode != status:
            raise SystemExit(f"{words}: status {done.returncode}, not {status}\n{done.stderr.decode()}")
        return done.stdout.decode(errors="replace")

    def value(self, key: str, name: str = "") -> str | None:
        """A value of the registry, the default one where no name is given; None where there is none."""
        what = ("/v", name) if name else ("/ve",)
        command = [self._program, "reg", "query", key, *what]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, timeout=LIMIT_S, check=False
        )
        lines = done.stdout.decode(errors="replace").splitlines()
        found = [line.split("    ") for line in lines if line.startswith("    ")]
        return found[0][3].strip() if done.returncode == 0 and found else None

    def set_value(self, key: str, name: str, value: str) -> None:
        """Write a string into the registry."""
        self.run("reg", "add", key, *(("/v", name) if name else ("/ve",)), "/d", value, "/f")

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start a program and go on."""
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(
            [self._program, *map(str, words)], env=self._environment, stdout=nowhere, stderr=nowhere
        )

    def close(self) -> None:
        """Wait until none of its processes is left."""
        server = Path(self._program).with_name("wineserver")
        places = [str(server), "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver"]
        found = next(place for place in places if Path(place).exists())
        subprocess.run([found, "-k"], env=self._environment, check=False, timeout=LIMIT_S)


def make_placeholder(folder: Path, *, version: str) -> Path:
    """A bundle's folder with names as awkward as real ones, and a program that notes its words."""
    inside = folder / "_internal" / "resources" / "ein Ordner"
    inside.mkdir(parents=True)
    (inside / "größe $1.txt").write_text(version, encoding="utf-8")
    (folder / "_internal" / f"only-in-{version}.txt").write_text(version, encoding="utf-8")
    script = Path(__file__).resolve().parent / "windows" / "placeholder.nsi"
    for name in ("Retort.exe", "retort-console.exe"):
        command = ["makensis", "-V1", f"-DOUTFILE={folder / name}", str(script)]
        subprocess.run(command, check=True)
    return folder


def make_versions(folder: Path) -> list[Path]:
    """The installers of two versions of the placeholder."""
    icon = folder / "retort.ico"
    write_ico(ROOT / "resources" / "icons" / "retort.svg", icon)
    made = []
    for version in ("0.1.0", "0.2.0"):
        payload = make_placeholder(folder / version, version=version)
        made.append(make_setup(payload, folder / f"retort-{version}.exe", version, icon))
    return made


def check_installed(wine: Wine, installed: Path, version: str) -> None:
    """Every file and every key is there."""
    assert (installed / "_internal" / "resources" / "ein Ordner" / "größe $1.txt").read_text() == version
    names = {path.name for path in (installed / "_internal").glob("only-in-*")}
    assert names == {f"only-in-{version}.txt"}, names
    opens = wine.value(rf"{CLASSES}\Retort.gguf\shell\open\command")
    assert opens is not None and opens.endswith(r'\Retort.exe" "%1"'), opens
    assert wine.value(rf"{CLASSES}\.gguf\OpenWithProgids", "Retort.gguf") == ""
    assert wine.value(UNINSTALL, "DisplayVersion") == version
    assert (wine.value(UNINSTALL, "QuietUninstallString") or "").endswith(r'Uninstall.exe" /S')
    assert next(wine.user.rglob("Retort.lnk"), None), "no entry in the start menu"
    print(f"{version}: installed, registered")


def check_open(wine: Wine, installed: Path) -> None:
    """The command in the registry hands the file's path over whole."""
    command = wine.value(rf"{CLASSES}\Retort.gguf\shell\open\command") or ""
    program = command.split('"')[1]
    wine.run(program, r"C:\ein Modell.gguf")
    said = (installed / "opened.txt").read_bytes().decode("utf-16-le")
    assert r"C:\ein Modell.gguf" in said, said
    print("open with: the program gets the file's path")


def check_refusal(wine: Wine, installed: Path, setup: Path) -> None:
    """Neither an update nor an uninstall begins while the program runs."""
    (installed / "opened.txt").unlink()
    running = wine.start(installed / "Retort.exe", "wait")
    wait_until((installed / "opened.txt").exists, "the program did not start")
    wine.run(setup, "/S", status=2)
    check_installed(wine, installed, "0.1.0")
    wine.run("taskkill", "/f", "/im", "Retort.exe")
    running.wait(LIMIT_S)
    print("while it runs: refused, and nothing was touched")


def wait_until(holds: Callable[[], bool], otherwise: str) -> None:
    """Return when something holds; raises SystemExit where it never does."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(0.2)


def check_uninstalled(wine: Wine, installed: Path) -> None:
    """Nothing of Retort is left, and everything else is."""
    left = sorted(path.relative_to(installed).as_posix() for path in installed.rglob("*"))
    assert left == ["mine.txt", "opened.txt"], left
    for key in (rf"{CLASSES}\Retort.gguf", rf"{CLASSES}\Applications\Retort.exe", r"HKCU\Software\Retort"):
        assert wine.value(key) is None, key
    assert wine.value(UNINSTALL, "DisplayName") is None
    assert wine.value(rf"{CLASSES}\.gguf\OpenWithProgids", "Retort.gguf") is None
    assert wine.value(rf"{CLASSES}\.gguf\OpenWithProgids", "Other.gguf") == ""
    assert wine.value(rf"{CLASSES}\.gguf") == "Other.gguf"
    assert next(wine.user.rglob("Retort.lnk"), None) is None
    assert (wine.user / "AppData" / "Local" / "retort" / "conversations.sqlite3").exists()
    print("uninstalled: nothing of it is left; the user's data and another program's association are")


def check(wine: Wine, setups: list[Path]) -> None:
    """Install, open, refuse, update, uninstall."""
    local = wine.user / "AppData" / "Local"
    installed = local / "Programs" / "Retort"
    (local / "retort").mkdir(parents=True)
    (local / "retort" / "conversations.sqlite3").write_bytes(b"the user's")
    wine.set_value(rf"{CLASSES}\.gguf", "", "Other.gguf")
    wine.set_value(rf"{CLASSES}\.gguf\OpenWithProgids", "Other.gguf", "")
    wine.run(setups[0], "/S")
    check_installed(wine, installed, "0.1.0")
    check_open(wine, installed)
    check_refusal(wine, installed, setups[1])
    (installed / "mine.txt").write_text("put here by the user")
    wine.run(setups[1], "/S")
    check_installed(wine, installed, "0.2.0")
    wine.run(installed / "Uninstall.exe", "/S")  # goes on in a copy of itself
    wait_until(lambda: not (installed / "Uninstall.exe").exists(), "the uninstaller did not end")
    check_uninstalled(wine, installed)


def main() -> int:
    """Run every check; returns the exit status."""
    program = find_wine()
    if program is None or shutil.which("makensis") is None:
        print("needs makensis and a 64-bit wine: apt-get install nsis wine64", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="retort-wine-") as name:
        setups = make_versions(Path(name))
        wine = Wine(program, Path(name) / "windows")
        try:
            check(wine, setups)
        finally:
            wine.close()
    print("all of it works")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a bundle is packed into for Linux: an archive with install script, an AppDir, a Debian package."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from bundling.bundle import commit_time, set_times

FILES = Path(__file__).resolve().parents[1] / "linux"
APP_ID = "org.retort.Retort"
DOWNLOADS = ("*.deb", "*.tar.zst", "*.exe", "*.dmg")
# One thread: more would divide the package into blocks, as many as this computer has processors. For a try
# set the level to 1: the best takes minutes.
COMPRESSION = {"DPKG_DEB_COMPRESSOR_LEVEL": "9", "DPKG_DEB_THREADS_MAX": "1"}
# Where a desktop looks for each of our files, below its share/.
SHARED = {
    f"{APP_ID}.desktop": "applications",
    f"{APP_ID}.metainfo.xml": "metainfo",
    f"{APP_ID}.mime.xml": "mime/packages",
}


def version(root: Path) -> str:
    """The product's version, of pyproject.toml."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    return found[1]


def machine() -> str:
    """This architecture as the names of downloads have it, for example x86_64."""
    return os.uname().machine


def make_tar(bundle: Path, root: Path) -> Path:
    """Pack bundle, desktop files and install.sh; the same content gives the same bytes."""
    name = f"retort-{version(root)}-linux-{machine()}"
    staged = _fresh(bundle.parent / name)
    shutil.copytree(bundle, staged / "lib", symlinks=True)
    _share(root, staged / "share")
    shutil.copy2(FILES / "install.sh", staged)
    (staged / "install.sh").chmod(0o755)
    _plain_modes(staged)
    seconds = int(commit_time(root))
    set_times(staged, seconds)
    archive = bundle.parent / f"{name}.tar.zst"
    sorted_tar = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{seconds}"]
    subprocess.run(
        [*sorted_tar, "--use-compress-program=zstd -q -10 -T1", "-cf", str(archive), name],
        check=True,
        cwd=bundle.parent,
    )
    shutil.rmtree(staged)
    return archive


def make_appdir(bundle: Path, root: Path) -> Path:
    """Lay the bundle out as an AppDir; an AppImage of it needs a runtime, which no package index has."""
    appdir = _fresh(bundle.parent / "Retort.AppDir")
    shutil.copytree(bundle, appdir / "usr" / "lib" / "retort", symlinks=True)
    _share(root, appdir / "usr" / "share")
    shutil.copy2(FILES / "AppRun", appdir)
    (appdir / "AppRun").chmod(0o755)
    _plain_modes(appdir)
    (appdir / f"{APP_ID}.desktop").symlink_to(f"usr/share/applications/{APP_ID}.desktop")
    (appdir / f"{APP_ID}.svg").symlink_to(f"usr/share/icons/hicolor/scalable/apps/{APP_ID}.svg")
    set_times(appdir, int(commit_time(root)))
    return appdir


def make_deb(bundle: Path, root: Path) -> Path:
    """Pack a Debian package: the bundle in /usr/lib/retort, both commands in /usr/bin."""
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    staged = _fresh(bundle.parent / "deb")
    shutil.copytree(bundle, staged / "usr" / "lib" / "retort", symlinks=True)
    _share(root, staged / "usr" / "share")
    commands = staged / "usr" / "bin"
    commands.mkdir()
    (commands / "retort").symlink_to("../lib/retort/retort")
    document = staged / "usr" / "share" / "doc" / "retort"
    document.mkdir(parents=True)
    shutil.copy2(root / "NOTICE.md", document / "copyright")
    size_kb = sum(file.lstat().st_size for file in staged.rglob("*") if not file.is_dir()) // 1024
    control = staged / "DEBIAN"
    control.mkdir()
    text = (FILES / "control.in").read_text(encoding="utf-8")
    filled = text.format(version=version(root), architecture=architecture, size_kb=size_kb)
    (control / "control").write_text(filled, encoding="utf-8")
    for script in ("postinst", "postrm"):
        shutil.copy2(FILES / script, control)
        (control / script).chmod(0o755)
    _plain_modes(staged)
    seconds = commit_time(root)
    set_times(staged, int(seconds))
    package = bundle.parent / f"retort_{version(root)}_{architecture}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(staged), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=COMPRESSION | os.environ | {"SOURCE_DATE_EPOCH": seconds},
    )
    shutil.rmtree(staged)
    return package


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS of every download in a folder, as `sha256sum -c` reads it."""
    lines = []
    for file in sorted(file for kind in DOWNLOADS for file in folder.glob(kind)):
        with file.open("rb") as content:
            lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {file.name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _share(root: Path, share: Path) -> None:
    for name, place in SHARED.items():
        (share / place).mkdir(parents=True, exist_ok=True)
        shutil.copy2(FILES / name, share / place / name.replace(".mime.xml", ".xml"))
    for kind, name in (("apps", APP_ID), ("mimetypes", "application-x-gguf")):
        folder = share / "icons" / "hicolor" / "scalable" / kind
        folder.mkdir(parents=True)
        shutil.copy2(root / "resources" / "icons" / "retort.svg", folder / f"{name}.svg")


def _plain_modes(folder: Path) -> None:
    """Readable by all and written by root alone, whatever the umask of whoever builds."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

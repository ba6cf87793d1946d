"""What can be shown here of the installers for other systems: files are read, and one installer is built."""

import plistlib
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from build import MAKERS, TARGETS
from installers.icons import ICNS_SIZES, ICO_SIZES, write_icns, write_ico
from installers.nsis import make_setup, removals
from PySide6.QtGui import QImage, QImageReader

from app.__main__ import _is_model_file
from engine.contract.processes import source_root

ROOT = source_root()
MACOS = ROOT / "packaging" / "macos"
SVG = ROOT / "resources" / "icons" / "retort.svg"
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


def test_the_property_list_of_the_application_says_that_it_opens_gguf_files() -> None:
    told = plistlib.loads((MACOS / "Info.plist").read_bytes())
    (opens,) = told["CFBundleDocumentTypes"]
    (kind,) = told["UTImportedTypeDeclarations"]
    assert opens["LSItemContentTypes"] == [kind["UTTypeIdentifier"]]
    assert opens["LSHandlerRank"] == "Alternate"  # what opens them by default stays
    (ending,) = kind["UTTypeTagSpecification"]["public.filename-extension"]
    assert _is_model_file([f"model.{ending}"])
    assert told["LSMinimumSystemVersion"] == "14.0"  # PySide6's
    assert told["CFBundleIdentifier"] == "org.retort.Retort"


def test_the_entitlements_let_the_component_and_an_exchanged_qt_be_loaded() -> None:
    allowed = plistlib.loads((MACOS / "entitlements.plist").read_bytes())
    assert allowed == {
        "com.apple.security.cs.disable-library-validation": True,
        "com.apple.security.cs.allow-unsigned-executable-memory": True,
    }


def test_the_script_that_signs_is_a_script_of_sh() -> None:
    script = MACOS / "notarize.sh"
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_icon_of_windows_has_every_size(tmp_path: Path) -> None:
    write_ico(SVG, tmp_path / "retort.ico")
    reader = QImageReader(str(tmp_path / "retort.ico"))
    sizes = []
    for number in range(reader.imageCount()):
        assert reader.jumpToImage(number)
        image = reader.read()
        assert not image.isNull()
        sizes.append(image.width())
    assert tuple(sizes) == ICO_SIZES


def test_the_icon_of_macos_has_every_size(tmp_path: Path) -> None:
    write_icns(SVG, tmp_path / "retort.icns")
    content = (tmp_path / "retort.icns").read_bytes()
    magic, length = struct.unpack(">4sI", content[:8])
    assert (magic, length) == (b"icns", len(content))
    at, found = 8, {}
    while at < len(content):
        kind, size = struct.unpack(">4sI", content[at : at + 8])
        found[kind] = QImage.fromData(content[at + 8 : at + size]).width()
        at += size
    assert found == ICNS_SIZES


def test_the_uninstaller_names_every_file_and_no_whole_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "größe $1.txt").touch()
    (tmp_path / "x.exe").touch()
    assert removals(tmp_path).splitlines() == [
        r'Delete "$INSTDIR\a\b\größe $$1.txt"',
        r'Delete "$INSTDIR\x.exe"',
        r'RMDir "$INSTDIR\a\b"',
        r'RMDir "$INSTDIR\a"',
    ]


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs makensis (Debian's package nsis)")
def test_the_installer_of_windows_can_be_made(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    (payload / "_internal" / "größe").mkdir(parents=True)
    (payload / "Retort.exe").write_bytes(b"MZ")
    (payload / "_internal" / "größe" / "a $1.txt").write_bytes(b"x" * 4000)
    write_ico(SVG, tmp_path / "retort.ico")
    setup = make_setup(payload, tmp_path / "retort-0.1.0.exe", "0.1.0", tmp_path / "retort.ico")
    content = setup.read_bytes()
    assert content[:2] == b"MZ"
    header = int.from_bytes(content[0x3C:0x40], "little")
    assert content[header : header + 6] == b"PE\0\0\x64\x86"  # x86_64: wine64 alone runs it
    assert not list(tmp_path.glob("*.parts"))


def workflow() -> dict[Any, Any]:
    found = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_the_workflow_makes_every_target_on_its_own_system() -> None:
    jobs = workflow()["jobs"]
    runs = {
        name: [line for step in job["steps"] for line in step.get("run", "").splitlines()]
        for name, job in jobs.items()
    }
    made = {name: [line for line in lines if "packaging/" in line] for name, lines in runs.items()}
    assert {name: [line.strip() for line in lines] for name, lines in made.items()} == {
        "linux": ["python3 packaging/build.py all"],
        "windows": ["python3 packaging/build.py nsis"],
        "macos": ["python3 packaging/build.py dmg"],
    }
    systems = {"linux": "ubuntu-", "windows": "windows-", "macos": "macos-"}
    assert all(jobs[name]["runs-on"].startswith(system) for name, system in systems.items())
    assert set(MAKERS) == {"linux", "win32", "darwin"}
    assert {"nsis", "dmg", "tar", "deb"} <= set(TARGETS)


def test_the_workflow_takes_foreign_code_by_its_commit_and_names_no_address() -> None:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action) for action in used), used
    text = WORKFLOW.read_text(encoding="utf-8")
    assert not re.search(r"https?:|\.org|\.com|/root|/home|/tmp", text)
    assert workflow()["permissions"] == {"contents": "read"}

"""The disk image for macOS: the application, its licences inside, and a link to the folder to drag it to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

NOTARIZE = Path(__file__).resolve().parents[1] / "macos" / "notarize.sh"


def make_dmg(bundle: Path, target: Path) -> Path:
    """Pack `Retort.app`, which lies beside `bundle`; signed where RETORT_SIGNING_IDENTITY says by whom.

    Only on macOS: hdiutil and codesign are there alone.
    """
    application = bundle.with_name("Retort.app")
    resources = application / "Contents" / "Resources"
    shutil.copytree(bundle / "licences", resources / "licences", dirs_exist_ok=True)
    shutil.copy2(bundle / "sbom.cdx.json", resources)
    is_signed = bool(os.environ.get("RETORT_SIGNING_IDENTITY"))
    if is_signed:
        subprocess.run([str(NOTARIZE), "sign", str(application)], check=True)
    staged = target.with_suffix(".parts")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copytree(application, staged / "Retort.app", symlinks=True)
    (staged / "Applications").symlink_to("/Applications")
    command = ["hdiutil", "create", "-volname", "Retort", "-srcfolder", str(staged), "-format", "UDZO"]
    subprocess.run([*command, "-ov", str(target)], check=True)
    shutil.rmtree(staged)
    if is_signed:
        subprocess.run([str(NOTARIZE), "notarize", str(target)], check=True)
    return target

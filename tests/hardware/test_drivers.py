"""Drivers are known by the files that they leave behind."""

import os
import sys
from pathlib import Path

import pytest

from engine.hardware.drivers import driver_versions

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")


def test_versions_are_read_and_a_new_vulkan_driver_is_another_set(tmp_path: Path) -> None:
    assert driver_versions(tmp_path) == ()
    version = tmp_path / "sys" / "module" / "nvidia" / "version"
    version.parent.mkdir(parents=True)
    version.write_text("580.95.05\n")
    manifest = tmp_path / "usr" / "share" / "vulkan" / "icd.d" / "radeon_icd.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    os.utime(manifest, (1_700_000_000, 1_700_000_000))
    first = driver_versions(tmp_path)
    assert first[0] == "nvidia 580.95.05"
    assert first[1].startswith("radeon_icd.json of 2023-11-")
    version.write_bytes(b"\xff")
    assert driver_versions(tmp_path) == first[1:]
    assert isinstance(driver_versions(), tuple)

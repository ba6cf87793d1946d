"""What the machine has to bring along: found by trying, and told in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from set_up.preconditions import SpaceNeed, check_c_library, check_python, check_space
from set_up.progress import SetUpError
from set_up.system_packages import (
    ENGINE_LIBRARIES,
    QT_LIBRARIES,
    X11_LIBRARIES,
    Need,
    advice,
    has_apt,
    missing_compiler,
    missing_libraries,
    packages_of,
)


def the_line(action: Callable[[], object]) -> str:
    """Return the error's text, which is always one line."""
    with pytest.raises(SetUpError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def loader_without(*absent: str) -> Callable[[str], object]:
    def load(name: str) -> object:
        if name in absent:
            raise OSError(f"{name}: cannot open shared object file")
        return object()

    return load


def test_a_library_is_missing_when_it_cant_be_loaded() -> None:
    assert missing_libraries(QT_LIBRARIES, loader_without()) == []
    missing = missing_libraries(
        QT_LIBRARIES + X11_LIBRARIES, loader_without("libEGL.so.1", "libxcb-icccm.so.4")
    )
    assert [need.name for need in missing] == ["libEGL.so.1", "libxcb-icccm.so.4"]


def test_anyone_but_root_gets_the_exact_command() -> None:
    load = loader_without("libGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0", "libxcb-cursor.so.0")
    missing = missing_libraries(QT_LIBRARIES + X11_LIBRARIES, load)
    sentence = advice(missing, apt=True)
    assert "`sudo apt-get install --no-install-recommends libgl1 libglib2.0-0 libxcb-cursor0`" in sentence
    assert "\n" not in sentence


def test_without_apt_the_libraries_are_named() -> None:
    missing = missing_libraries(ENGINE_LIBRARIES, loader_without("libgomp.so.1"))
    assert "libgomp.so.1" in advice(missing, apt=False, platform="linux")
    assert "xcode-select" in advice([Need("a C compiler", "gcc")], apt=False, platform="darwin")
    assert "Visual Studio" in advice([Need("a C compiler", "gcc")], apt=False, platform="win32")


def test_apt_is_used_on_debian_and_its_kind_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    release = tmp_path / "os-release"
    for text, expected in (
        ('NAME="Debian GNU/Linux"\nID=debian\n', True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
    ):
        release.write_text(text)
        assert has_apt(release) is expected
    assert not has_apt(tmp_path / "absent")


@pytest.mark.skipif(os.name == "nt", reason="Visual Studio is looked for elsewhere")
def test_without_a_compiler_both_languages_are_named(tmp_path: Path) -> None:
    missing = missing_compiler({"PATH": str(tmp_path)}, "linux")
    assert packages_of(missing) == ["gcc", "g++"]
    (tmp_path / "mycc").write_text("#!/bin/sh\n")
    (tmp_path / "mycc").chmod(0o755)
    assert packages_of(missing_compiler({"PATH": str(tmp_path), "CC": "mycc -m64"}, "linux")) == ["g++"]


def test_a_python_without_ready_packages_gets_one_line() -> None:
    check_python((3, 11))
    assert "3.15" in the_line(lambda: check_python((3, 15)))
    assert "pypy" in the_line(lambda: check_python((3, 11), "pypy"))


def test_a_c_library_too_old_for_the_wheels_gets_one_line() -> None:
    check_c_library("x86_64", ("glibc", "2.36"))
    assert "glibc 2.31" in the_line(lambda: check_c_library("x86_64", ("glibc", "2.31")))
    assert "glibc 2.39" in the_line(lambda: check_c_library("aarch64", ("glibc", "2.36")))
    assert "no glibc" in the_line(lambda: check_c_library("x86_64", ("", "")))
    assert "riscv64" in the_line(lambda: check_c_library("riscv64", ("glibc", "2.41")))


def test_space_is_counted_per_file_system_and_folders_need_not_exist_yet(tmp_path: Path) -> None:
    needs = [SpaceNeed(tmp_path / "not" / "yet", 6 * 10**8), SpaceNeed(tmp_path, 7 * 10**8)]
    check_space(needs, lambda _folder: 14 * 10**8)
    sentence = the_line(lambda: check_space(needs, lambda _folder: 12 * 10**8))
    assert "1.3 GB" in sentence and "1.2 GB" in sentence and str(tmp_path) in sentence

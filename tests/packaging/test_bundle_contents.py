from email.message import Message
from pathlib import Path

import pytest
from bundling.bundle import set_times
from bundling.components import licence_of
from bundling.contents import NOT_SHIPPED, build_tools, is_wanted, pins
from bundling.linux import write_sums
from bundling.needed import needed_entries

from engine.contract.processes import source_root

LOCKS = source_root() / "requirements"


@pytest.mark.parametrize(
    "target",
    [
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/platforms/libqvnc.so",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so",
        "PySide6/Qt/lib/libQt6Qml.so.6",
        "PySide6/Qt/lib/libQt6WaylandCompositor.so.6",
        "PySide6/Qt/translations/designer_de.qm",
        "llama_cpp/lib/libllama.so.0.5.0",
        "libggml-base.so.0",
        "libreadline.so.8",
        "ziamath-0.13.dist-info/RECORD",
        "ziamath-0.13.dist-info/licenses/LICENSE",
    ],
)
def test_what_is_not_needed_or_may_not_be_shipped_stays_out(target: str) -> None:
    assert not is_wanted(target)


@pytest.mark.parametrize(
    "target",
    [
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "PySide6/Qt/translations/qtbase_de.qm",
        "numpy.libs/libscipy_openblas64_.so",
        "resources/builtin/retort-builtin.gguf",
        "ziamath-0.13.dist-info/METADATA",
    ],
)
def test_what_the_window_needs_goes_in(target: str) -> None:
    assert is_wanted(target)


@pytest.mark.parametrize("module", ["readline", "dbm.gnu", "_gdbm"])
def test_pythons_modules_over_gpl_libraries_are_left_out(module: str) -> None:
    assert module in NOT_SHIPPED


def test_a_tool_of_the_build_is_no_package_of_the_product() -> None:
    tools = build_tools()
    assert {"pyinstaller", "cmake", "ninja"} <= tools
    assert not tools & {name for name, _ in pins(LOCKS / "base.txt")}


def test_a_licence_is_read_from_the_expression_then_the_classifiers_then_the_field() -> None:
    said = Message()
    said["License"] = "BSD\nand a long text"
    assert licence_of(said) == "BSD"
    said["Classifier"] = "License :: OSI Approved :: MIT License"
    assert licence_of(said) == "MIT License"
    said["License-Expression"] = "Apache-2.0"
    assert licence_of(said) == "Apache-2.0"


def test_sums_name_every_download_as_sha256sum_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.deb").write_bytes(b"abc")
    write_sums(tmp_path)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digest}  a.deb\n"


def test_every_file_of_a_build_has_one_time(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"")
    set_times(tmp_path, 1_700_000_000)
    assert {path.stat().st_mtime for path in tmp_path.rglob("*")} == {1_700_000_000}


def test_a_library_that_only_a_dropped_plugin_needed_goes_with_it() -> None:
    needs = {"/plugin": ["libshape.so.1"], "/shape": ["libglyph.so.2", "libc.so.6"]}
    entries = [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "/plugin", "BINARY"),
        ("libshape.so.1", "/shape", "BINARY"),
        ("libglyph.so.2", "/glyph", "BINARY"),
        ("PySide6/Qt/lib/libQt6Network.so.6", "/network", "BINARY"),
        ("libQt6Network.so.6", "PySide6/Qt/lib/libQt6Network.so.6", "SYMLINK"),
        ("libpython3.11.so.1.0", "/python", "BINARY"),
        ("resources/icon.svg", "/icon", "DATA"),
    ]
    kept = {target for target, _, _ in needed_entries(entries, lambda source: needs.get(source, []))}
    assert kept == {
        "PySide6/Qt/plugins/platforms/libqxcb.so", "libshape.so.1", "libglyph.so.2",
        "libpython3.11.so.1.0", "resources/icon.svg",
    }  # fmt: skip


def test_a_link_to_a_library_stays_with_it() -> None:
    entries = [
        ("PySide6/QtCore.abi3.so", "/core", "EXTENSION"),
        ("PySide6/Qt/lib/libQt6Core.so.6", "/qt", "BINARY"),
        ("libQt6Core.so.6", "PySide6/Qt/lib/libQt6Core.so.6", "SYMLINK"),
    ]
    assert needed_entries(entries, lambda source: ["libQt6Core.so.6"] if source == "/core" else []) == entries

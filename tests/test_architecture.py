"""The walls of the house: who may import whom. The import contracts themselves stand in pyproject.toml."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from engine.contract.processes import child_environment, source_root

ROOT = source_root()
WIDGET_FOLDERS = ("chat_view", "views", "theme")
SOURCES = [path for top in ("app", "engine") for path in sorted((ROOT / top).rglob("*.py"))]


def imported_modules(path: Path) -> set[str]:
    """Every module a file imports, those inside functions included, with the names taken from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.slow
def test_the_import_contracts_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_widgets_are_in_the_views_and_no_file_opens_a_socket(path: Path) -> None:
    modules = imported_modules(path)
    folder = path.relative_to(ROOT).parts
    may_hold_widgets = folder[0] == "app" and (
        folder[1] in WIDGET_FOLDERS or folder[1:] == ("application.py",)
    )
    if not may_hold_widgets:
        assert not {m for m in modules if m.startswith("PySide6.QtWidgets")}
    if folder[:2] in (("app", "engine_link"), ("app", "lists")):
        assert not {m for m in modules if m.startswith("PySide6.") and not m.startswith("PySide6.QtCore")}
    for forbidden in ("PySide6.QtNetwork", "multiprocessing", "socket", "http", "urllib.request"):
        assert not {m for m in modules if m == forbidden or m.startswith(forbidden + ".")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
    assert path.stem not in ("utils", "util", "helpers", "common", "misc", "manager")


def test_importing_the_window_leaves_the_native_libraries_out() -> None:
    program = "import sys, app.application; print({'torch', 'llama_cpp', 'transformers'} & set(sys.modules))"
    environment = child_environment() | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_packaging_is_no_package() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_the_protocol_needs_no_third_party_package_but_msgspec_and_platformdirs() -> None:
    allowed = {"msgspec", "platformdirs", "engine"} | set(sys.stdlib_module_names)
    for path in sorted((ROOT / "engine" / "contract").glob("*.py")):
        assert {module.split(".")[0] for module in imported_modules(path)} <= allowed, path.name


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or not shutil.which("git"), reason="needs git and its checkout"
)
def test_no_large_file_is_in_git() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = (ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name)
    assert not [path.name for path in files if path.exists() and path.stat().st_size > 25 * 2**20]

import ast
import importlib.util
import sys
from pathlib import Path
from typing import get_args

import pytest

from engine.contract.processes import (
    CHILD_FLAG,
    CONSOLE_NAME,
    ProcessModule,
    child_command,
    is_child_command,
    run_child,
    source_root,
)


def test_from_source_a_child_is_this_python_with_a_module() -> None:
    command = child_command("engine.worker", "--generation", "3")
    assert command == [sys.executable, "-m", "engine.worker", "--generation", "3"]


def test_in_a_bundle_a_child_is_the_console_executable_beside_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Retort"))
    program, *words = child_command("engine.worker", "--generation", "3")
    assert Path(program) == tmp_path / CONSOLE_NAME
    assert is_child_command(words)
    assert words == [CHILD_FLAG, "engine.worker", "--generation", "3"]


@pytest.mark.parametrize("words", [[], ["run", "builtin"], ["model.gguf"], ["-m", "engine.worker"]])
def test_what_a_user_types_is_no_child(words: list[str]) -> None:
    assert not is_child_command(words)


def test_a_child_runs_its_module_with_its_own_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["retort"])
    with pytest.raises(SystemExit) as end:
        run_child([CHILD_FLAG, "engine.worker.job", "--help"])
    assert end.value.code == 0
    assert "retort-job" in capsys.readouterr().out


def test_a_child_runs_nothing_but_processes_of_retort() -> None:
    with pytest.raises(ValueError, match="no process of Retort"):
        run_child([CHILD_FLAG, "http.server"])


def test_every_process_has_a_module() -> None:
    assert all(importlib.util.find_spec(module) for module in get_args(ProcessModule))


def test_no_other_file_of_the_application_starts_python_by_itself() -> None:
    """`sys.executable` is no Python in a bundle; the doctor only prints it."""
    using = set()
    for path in (file for top in ("app", "engine") for file in (source_root() / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "executable":
                using.add(path.relative_to(source_root()).as_posix())
    assert using == {"engine/contract/processes.py", "engine/cli/doctor.py"}

"""run.py itself: an old Python, a prepared clone, its words."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.paths import Paths
from run import too_old
from set_up.places import Places, cache_folder, packages_in, python_in
from set_up.readiness import Wanted, is_ready, wanted_for
from set_up.stamp import NAME, Stamp, read_stamp
from set_up.wheel_key import fits, wheel_key

ROOT = Path(__file__).resolve().parents[2]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="the environment is made of symbolic links")


@pytest.fixture
def clone(tmp_path: Path) -> Places:
    """A clone with an environment that is ready for a command: the Python of these tests, stamped."""
    root = tmp_path / "clone"
    for name in ("set_up", "requirements", "resources"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "builtin"))
    shutil.copy(ROOT / "run.py", root)
    places = Places(root=root, cache=tmp_path / "retort-home" / "cache")
    packages_in(places.environment).mkdir(parents=True)
    python_in(places.environment).parent.mkdir(exist_ok=True)
    python_in(places.environment).symlink_to(sys.executable)
    stamp = Stamp(places.environment / NAME)
    stamp.parts = {
        "system": "seen",
        "base.txt": places.lock_digest("base.txt"),
        "llama": wheel_key(places, os.environ).name,
    }
    stamp.write(places)
    return places


def children_cpu_s() -> float:
    """CPU time of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def ready(places: Places, wanted: Wanted | None = None) -> bool:
    stamp = read_stamp(places)
    return stamp is not None and is_ready(stamp, places, wanted or Wanted(), wheel_key(places, os.environ))


def test_an_old_python_gets_one_line_that_names_the_versions() -> None:
    sentence = too_old((3, 9))
    assert "3.9" in sentence and "3.11" in sentence and "\n" not in sentence
    assert too_old((3, 11)) == too_old((4, 0)) == ""


def test_run_py_can_be_read_by_an_old_python() -> None:
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@POSIX_ONLY
def test_a_prepared_clone_starts_at_once_and_hands_over_words_stdin_and_exit_status(clone: Places) -> None:
    (clone.root / "app").mkdir()
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(7)"
    (clone.root / "app" / "__main__.py").write_text(program)
    environ = {
        **os.environ,
        "PYTHONPATH": str(clone.root),
    }  # a real environment finds it by its own path file
    cpu_s = children_cpu_s()
    result = subprocess.run(
        [sys.executable, str(clone.root / "run.py"), "run", "builtin", "two words"],
        check=False, input="from stdin", capture_output=True, text=True, env=environ, timeout=60,
    )  # fmt: skip
    assert children_cpu_s() - cpu_s < 1.5  # two interpreters and no set-up
    assert result.stdout == "['run', 'builtin', 'two words'] from stdin\n"
    assert (result.returncode, result.stderr) == (7, "")


def test_help_needs_no_set_up(tmp_path: Path) -> None:
    shutil.copy(ROOT / "run.py", tmp_path)
    command = [sys.executable, str(tmp_path / "run.py"), "--help"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "run.py test" in result.stdout


@POSIX_ONLY
def test_the_stamp_knows_what_is_done_and_what_is_not(clone: Places) -> None:
    assert ready(clone)
    assert not ready(clone, Wanted(window=True))
    assert not ready(clone, Wanted(tests=True))


@POSIX_ONLY
def test_a_changed_lock_file_is_noticed(clone: Places) -> None:
    lock = clone.requirements / "base.txt"
    lock.write_text(lock.read_text() + "# newer\n")
    assert not ready(clone)


@POSIX_ONLY
def test_a_package_that_came_or_went_is_noticed(clone: Places) -> None:
    (packages_in(clone.environment) / "intruder").mkdir()
    os.utime(packages_in(clone.environment), ns=(0, 0))
    assert not ready(clone)


@POSIX_ONLY
def test_another_cpu_is_noticed(clone: Places) -> None:
    stamp = read_stamp(clone)
    assert stamp
    stamp.parts["llama"] = stamp.parts["llama"][:-12] + "0" * 12
    stamp.write(clone)
    assert not ready(clone)


@POSIX_ONLY
def test_a_moved_clone_another_python_and_a_broken_environment_need_a_new_one(clone: Places) -> None:
    moved = Places(root=clone.root.rename(clone.root.with_name("moved")), cache=clone.cache)
    assert read_stamp(moved) is None
    back = Places(root=moved.root.rename(clone.root), cache=clone.cache)
    path = back.environment / NAME
    good = path.read_text()
    path.write_text(good.replace("cpython-3", "cpython-9"))
    assert read_stamp(back) is None
    path.write_text(good[:-10])
    assert read_stamp(back) is None
    path.write_text(good)
    assert read_stamp(back) is not None
    python_in(back.environment).unlink()
    assert read_stamp(back) is None


@POSIX_ONLY
def test_a_wheel_built_with_own_options_stays_until_other_options_are_given(clone: Places) -> None:
    plain = wheel_key(clone, {})
    own = wheel_key(clone, {"CMAKE_ARGS": "-DGGML_CUDA=ON"})
    assert own.name.startswith(f"{plain.name}-")
    assert fits(own.name, plain, {})
    assert not fits(own.name, plain, {"CMAKE_ARGS": ""})
    assert not fits(plain.name, own, {"CMAKE_ARGS": "-DGGML_CUDA=ON"})
    assert not fits(None, plain, {})


def test_only_a_start_with_a_display_wants_qts_libraries() -> None:
    assert wanted_for([], {"DISPLAY": ":0"}, "linux").window
    assert not wanted_for([], {}, "linux").window
    assert wanted_for([], {}, "win32").window
    assert wanted_for(["a/Model.GGUF"], {"DISPLAY": ":0"}, "linux").window
    assert not wanted_for(["doctor"], {"DISPLAY": ":0"}, "linux").window


def test_the_cache_folder_is_the_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder(os.environ) == Paths.from_environment().cache  # with RETORT_HOME
    monkeypatch.delenv("RETORT_HOME")
    assert cache_folder(os.environ) == Paths.from_environment().cache


def test_the_cache_folder_follows_each_systems_convention(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}, "linux") == tmp_path / "retort"
    assert cache_folder({}, "darwin", tmp_path) == tmp_path / "Library" / "Caches" / "retort"
    assert cache_folder({"LOCALAPPDATA": str(tmp_path)}, "win32") == tmp_path / "retort" / "Cache"
    assert cache_folder({"RETORT_HOME": str(tmp_path)}, "win32") == tmp_path / "cache"

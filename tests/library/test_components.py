"""Components: unpacked whole or not at all, checked file by file, removed without a trace."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from engine.contract.errors import ComponentMissing, InvalidRequest, StorageFailed
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.processes import child_environment
from engine.library.backend_choice import packages_for
from engine.library.component_install import InstallCancelled, check_component, install_component
from engine.library.component_lock import ComponentLock, find_lock, read_locks, this_system
from engine.library.components import (
    WHEELS,
    changing,
    component_status,
    packages_of,
    read_installed,
    remove_component,
)
from tests.support.made_wheels import know_only, lock_of, write_wheel

MODULE = {"tiny_module/__init__.py": b"ANSWER = 42\n", "tiny_module/data.bin": os.urandom(200_000)}


@pytest.fixture
def paths() -> Paths:
    found = Paths.from_environment()
    found.ensure()
    return found


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return tmp_path / "wheels"


@pytest.fixture
def lock(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ComponentLock:
    made = lock_of(write_wheel(wheels, "tiny", MODULE), write_wheel(wheels, "other_one", {"other.py": b""}))
    know_only(monkeypatch, tmp_path / "locks", made)
    return made


def install(paths: Paths, lock: ComponentLock, wheels: Path) -> None:
    install_component(paths, lock, wheels, lambda _done, _total: None, lambda: False)


def check(paths: Paths) -> list[Path]:
    return check_component(paths, "tiny", lambda _done, _total: None, lambda: False)


def test_an_installed_component_can_be_imported_from_its_folder(
    paths: Paths, lock: ComponentLock, wheels: Path
) -> None:
    assert component_status(paths, lock).state == "absent"
    install(paths, lock, wheels)
    packages = packages_of(paths, "tiny")
    assert packages is not None
    program = f"import sys; sys.path.append({str(packages)!r}); import tiny_module; print(tiny_module.ANSWER)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "42"
    status = component_status(paths, lock)
    assert (status.state, status.version) == ("installed", "1.0")
    assert status.disk_bytes > 200_000
    assert check(paths) == []


def test_what_changed_or_is_gone_is_found_by_its_hash(
    paths: Paths, lock: ComponentLock, wheels: Path
) -> None:
    install(paths, lock, wheels)
    packages = packages_of(paths, "tiny")
    assert packages is not None
    (packages / "tiny_module" / "__init__.py").write_bytes(b"ANSWER = 43\n")
    (packages / "other.py").unlink()
    assert sorted(check(paths)) == [packages / "other.py", packages / "tiny_module" / "__init__.py"]
    record = packages / "tiny-1.0.dist-info" / "RECORD"
    record.write_text("")  # a list without files would find no damage
    assert record in check(paths)


def test_a_wheel_that_is_not_the_locked_one_is_refused_and_the_former_state_holds(
    paths: Paths, lock: ComponentLock, wheels: Path
) -> None:
    install(paths, lock, wheels)
    before = packages_of(paths, "tiny")
    write_wheel(wheels, "tiny", {"tiny_module/__init__.py": b"ANSWER = 13\n"})
    with pytest.raises(StorageFailed, match="its hash is another"):
        install(paths, lock, wheels)
    assert packages_of(paths, "tiny") == before
    (wheels / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(InvalidRequest, match=r"lacks tiny-1\.0"):
        install(paths, lock, wheels)


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a\\..\\outside.py", "C:outside.py"])
def test_a_wheel_that_names_a_place_outside_is_refused(
    name: str, paths: Paths, wheels: Path, tmp_path: Path
) -> None:
    bad = lock_of(write_wheel(wheels, "bad", {name: b"x"}), name="bad")
    with pytest.raises(StorageFailed, match="outside"):
        install(paths, bad, wheels)
    assert not list(tmp_path.rglob("outside.py"))
    assert not list(paths.components.glob("bad*"))


def test_a_file_that_its_own_list_does_not_name_is_refused(paths: Paths, wheels: Path) -> None:
    wheel = write_wheel(wheels, "sly", {"sly.py": b""})
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more.py", "print('unlisted')")
    with pytest.raises(StorageFailed, match=r"lacks more\.py"):
        install(paths, lock_of(wheel, name="sly"), wheels)


def test_an_installation_that_is_cancelled_leaves_nothing(
    paths: Paths, lock: ComponentLock, wheels: Path
) -> None:
    seen: list[int] = []
    with pytest.raises(InstallCancelled):
        install_component(paths, lock, wheels, lambda done, _total: seen.append(done), lambda: len(seen) > 2)
    assert component_status(paths, lock).state == "absent"
    assert not [path for path in paths.components.iterdir() if path.is_dir()]


def test_removing_gives_the_room_back(paths: Paths, lock: ComponentLock, wheels: Path) -> None:
    install(paths, lock, wheels)
    (paths.components / WHEELS).mkdir()
    (paths.components / WHEELS / "left.part").write_bytes(b"x" * 1000)
    remove_component(paths, lock)
    assert component_status(paths, lock).state == "absent"
    assert [path.name for path in paths.components.iterdir()] == ["change.lock"]


def test_another_versions_component_is_not_used_and_an_update_replaces_it(
    paths: Paths, lock: ComponentLock, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(paths, lock, wheels)
    newer = lock_of(write_wheel(wheels, "tiny", MODULE, version="2.0"), version="2.0")
    know_only(monkeypatch, tmp_path / "locks", newer)
    assert component_status(paths, newer).state == "outdated"
    assert packages_of(paths, "tiny") is None
    install(paths, newer, wheels)
    assert component_status(paths, newer).state == "installed"
    assert len([path for path in paths.components.iterdir() if path.is_dir()]) == 1


def test_two_cannot_change_components_at_once(paths: Paths, lock: ComponentLock, wheels: Path) -> None:
    with changing(paths), pytest.raises(InvalidRequest, match="another window or command"):
        install(paths, lock, wheels)


KILLED = """
import sys
from pathlib import Path
from engine.contract.paths import Paths
from engine.library.component_install import install_component
from tests.support.made_wheels import lock_of

wheels = Path(sys.argv[1])
lock = lock_of(*sorted(wheels.glob("*.whl")), version="2.0")
print("begun", flush=True)
install_component(Paths.from_environment(), lock, wheels, lambda done, total: None, lambda: False)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_former_state_or_the_new_one(
    paths: Paths, lock: ComponentLock, wheels: Path, tmp_path: Path
) -> None:
    install(paths, lock, wheels)
    before = read_installed(paths, "tiny")
    newer = tmp_path / "newer"
    files = {f"tiny_module/part{number}.bin": os.urandom(150_000) for number in range(60)}
    write_wheel(newer, "tiny", MODULE | files, version="2.0")
    moments = 20 if os.environ.get("RETORT_FULL_TESTS") else 4
    for moment in range(moments):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(newer)],
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        with process.stdout as said:
            said.readline()
            time.sleep(0.03 * moment * 4 / moments)
            process.kill()
            process.wait()
        found = read_installed(paths, "tiny")
        assert found is not None
        assert found == before or found.version == "2.0"
        assert check(paths) == []
    with changing(paths):
        pass
    assert len([path for path in paths.components.iterdir() if path.is_dir()]) == 1


def test_the_shipped_lock_is_whole_and_names_no_place() -> None:
    lock = find_lock("torch")
    names = {"linux-x86_64-cp311", "darwin-arm64-cp311", "win32-x86_64-cp311"}
    assert set(lock.systems) == names
    for wheels in lock.systems.values():
        assert {wheel.index for wheel in wheels} <= {"python_packages", "pytorch_cpu"}
        assert {wheel.project for wheel in wheels} == {"torch", "tokenizers", "sympy", "mpmath", "networkx"}
        assert all(len(wheel.sha256) == 64 and wheel.size_bytes > 100_000 for wheel in wheels)
        assert not any("/" in wheel.file for wheel in wheels)
    with pytest.raises(InvalidRequest, match="there is no component"):
        find_lock("tensorflow")


def test_a_model_that_needs_torch_says_so_where_there_is_none(
    paths: Paths, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = lock_of(write_wheel(wheels, "torch", {"torch_stand_in.py": b""}), name="torch")
    know_only(monkeypatch, tmp_path / "locks", lock)
    monkeypatch.setattr("engine.library.backend_choice.has_modules", lambda _modules: False)
    gguf, checkpoint = str(tmp_path / "a.gguf"), str(tmp_path)
    assert packages_for(gguf, LoadParams(), paths) is None
    with pytest.raises(ComponentMissing):
        packages_for(checkpoint, LoadParams(), paths)
    install(paths, lock, wheels)
    assert packages_for(checkpoint, LoadParams(), paths) == packages_of(paths, "torch")
    assert packages_for(gguf, LoadParams(backend="torch"), paths) == packages_of(paths, "torch")
    assert read_locks()["torch"].systems.keys() == {this_system()}

"""The llama.cpp wheel: its key, its build's progress, and that only one that works is kept."""

import base64
import hashlib
import io
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from set_up.build_progress import BuildProgress
from set_up.cpu import features_key, flags_in
from set_up.environment import make_venv
from set_up.llama_build import keep_wheel, reason_of_build_failure
from set_up.llama_wheel import is_installed, kept_wheel, provide_llama
from set_up.places import Places
from set_up.progress import OneLine, SetUpError
from set_up.wheel_key import WheelKey

pytestmark = pytest.mark.slow

RECORDED = Path(__file__).with_name("recorded")
KEY = WheelKey("0.3.36", "py3-none-any", "0123456789ab", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    """Feed the recorded build to a stream and return what it shows."""
    progress = BuildProgress(OneLine(stream), clock=lambda: 0.0)
    for line in (RECORDED / "build_output.txt").read_text(encoding="utf-8").splitlines():
        progress.feed(line)
    assert (progress.step, progress.steps) == (193, 193)
    return stream.getvalue()


def test_a_terminal_sees_every_step_on_one_line() -> None:
    text = shown(Terminal())
    assert "\n" not in text
    steps = re.findall(r"\[(\d+)/193\]", text)
    assert len(steps) == 193 and steps[-1] == "193"


def test_a_log_gets_a_line_every_ten_per_cent() -> None:
    lines = shown(io.StringIO()).splitlines()
    steps = [int(found[1]) for line in lines if (found := re.search(r"\[(\d+)/193\]", line))]
    assert len(steps) == 11 and steps[0] == 1 and steps[-1] == 193
    assert any("downloading" in line for line in lines) and any("configuring" in line for line in lines)


def test_a_build_that_counts_nothing_still_shows_that_it_lives() -> None:
    now = [0.0]
    stream = io.StringIO()
    progress = BuildProgress(OneLine(stream), clock=lambda: now[0])
    progress.feed("  *** Building project with Visual Studio...")
    for _ in range(10):
        now[0] += 30
        progress.feed("  ggml.c")
    assert stream.getvalue().splitlines()[-1] == "  compiling, 4 min 30 s"


def test_the_key_follows_the_instructions_and_nothing_else() -> None:
    text = "processor : 0\nflags\t\t: fpu sse2 avx2 fma md_clear ibrs\nbugs\t\t: spectre\n"
    flags = flags_in(text)
    assert flags == ["sse2", "avx2", "fma"]
    key = features_key(flags, "x86_64")
    assert key == features_key(["fma", "sse2", "avx2", "avx2"], "x86_64")
    assert key == features_key(flags_in(text.replace("md_clear", "md_clear retbleed")), "x86_64")
    assert key != features_key(flags_in(text.replace("avx2", "avx2 avx512f")), "x86_64")
    assert key != features_key(flags, "aarch64")
    assert flags_in("Features\t: fp asimd sve\n") == ["fp", "asimd", "sve"]
    assert flags_in("model name : unknown\n") == []


def write_wheel(path: Path, files: dict[str, str]) -> Path:
    """Write a wheel by hand: the files, their list, and what pip wants to know."""
    info = "llama_cpp_python-0.3.36.dist-info"
    files = files | {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: 0.3.36\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{info}/RECORD", "".join([*rows, f"{info}/RECORD,,\n"]))
    return path


def test_the_kept_wheel_is_without_stray_files_and_its_list_agrees(tmp_path: Path) -> None:
    files = {"llama_cpp/lib/libllama.so": "library", "lib/libllama.so": "stray", "include/ggml.h": "stray"}
    wheel = write_wheel(tmp_path / "llama_cpp_python-0.3.36-py3-none-any.whl", files)
    kept = keep_wheel(wheel, tmp_path / "kept")
    with zipfile.ZipFile(kept) as content:
        names = set(content.namelist())
        record = content.read("llama_cpp_python-0.3.36.dist-info/RECORD").decode()
    assert not any(name.startswith(("lib/", "include/")) for name in names)
    assert {row.split(",")[0] for row in record.splitlines()} == names


def test_an_interrupted_copy_leaves_nothing_behind(tmp_path: Path) -> None:
    wheel = tmp_path / "llama_cpp_python-0.3.36-py3-none-any.whl"
    wheel.write_bytes(b"PK\x03\x04 the download broke off")
    with pytest.raises(zipfile.BadZipFile):
        keep_wheel(wheel, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real, empty virtual environment."""
    root = tmp_path_factory.mktemp("clone")
    make_venv(root / ".venv")
    return root


@pytest.fixture
def places(environment: Path, tmp_path: Path) -> Places:
    return Places(root=environment, cache=tmp_path / "cache")


def build_good(places: Places, target: Path) -> Path:
    good = {"llama_cpp/__init__.py": "def llama_backend_init(): pass\n"}
    return write_wheel(target / "llama_cpp_python-0.3.36-py3-none-any.whl", good)


def build_deadly(places: Places, target: Path) -> Path:
    """A library made for another CPU ends its process with an illegal instruction."""
    deadly = {"llama_cpp/__init__.py": "import os\nos.kill(os.getpid(), 4)\n"}
    return write_wheel(target / "llama_cpp_python-0.3.36-py3-none-any.whl", deadly)


def no_build(places: Places, target: Path) -> Path:
    raise AssertionError("a wheel that works was there")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_kept_wheel_that_dies_is_deleted_and_built_anew_once(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    build_deadly(places, places.wheels / KEY.name)
    provide_llama(places, KEY, None, build=build_good)
    assert "signal 4" in capsys.readouterr().err
    assert is_installed(places, "0.3.36")
    provide_llama(places, KEY, None, build=no_build)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_wheel_that_is_no_wheel_and_a_build_that_dies_end_in_one_line(places: Places) -> None:
    folder = places.wheels / KEY.name
    folder.mkdir(parents=True)
    (folder / "llama_cpp_python-0.3.36-py3-none-any.whl").write_bytes(b"half a wheel")
    with pytest.raises(SetUpError, match=r"^llama.cpp was built but does not work here .*signal 4[^\n]*$"):
        provide_llama(places, KEY, None, build=build_deadly)
    assert kept_wheel(places, KEY) is None
    shutil.rmtree(places.cache, ignore_errors=True)


def test_a_failed_build_is_told_in_the_compilers_words(tmp_path: Path) -> None:
    lines = ["  [3/193] /usr/bin/g++ -c x.cpp", "  x.cpp:1:2: error: no such thing", "  ninja: build stopped"]
    sentence = reason_of_build_failure(lines, tmp_path / "log")
    assert "error: no such thing" in sentence and str(tmp_path / "log") in sentence and "\n" not in sentence

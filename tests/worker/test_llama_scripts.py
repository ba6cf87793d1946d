"""llama.cpp's own conversion scripts: which package, which folders, and that nothing leaves the process.

The conversion itself takes ten seconds of imports and runs with RETORT_FULL_TESTS=1.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from engine.contract.errors import EngineMissing, ModelUnsupported
from engine.contract.jobs import ConvertJob, ConvertResult
from engine.contract.processes import bare_environment, child_command, source_root
from engine.library.gguf import read_header
from engine.worker.job import llama_scripts
from engine.worker.job.llama_scripts import PACKAGE, PACKAGE_SHA256, kept_package, unpack
from engine.worker.job.progress import ProgressReporter
from engine.worker.job.work import do_job
from set_up.places import cache_folder
from tests.support.tiny_checkpoint import LLAMA, write_chat_checkpoint

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))


def real_sources() -> Path:
    """Where the set-up of this computer's user keeps the package, whatever RETORT_HOME a test has."""
    environ = {name: value for name, value in os.environ.items() if name != "RETORT_HOME"}
    return cache_folder(environ) / "sources"


def run_offline(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = child_command("engine.worker.job.offline", str(os.getpid()), str(script), *words)
    return subprocess.run(
        command, capture_output=True, text=True, env=bare_environment(), timeout=60, check=False
    )


def test_the_package_is_the_locked_one() -> None:
    lock = (source_root() / "requirements" / "llama.txt").read_text(encoding="utf-8")
    assert f"sha256:{PACKAGE_SHA256}" in lock
    version = PACKAGE.removeprefix("llama_cpp_python-").removesuffix(".tar.gz")
    assert f"llama-cpp-python=={version} " in lock


def test_a_package_that_is_missing_or_another_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="are not here"):
        kept_package(tmp_path)
    (tmp_path / PACKAGE).write_bytes(b"something else")
    with pytest.raises(EngineMissing, match="is not the source package"):
        kept_package(tmp_path)


def test_only_scripts_come_out_of_the_package(tmp_path: Path) -> None:
    inside, package = tmp_path / "llama_cpp_python-9/vendor/llama.cpp", tmp_path / "package.tar.gz"
    for name in ("convert_hf_to_gguf.py", "conversion/base.py", "gguf-py/gguf/writer.py", "src/llama.cpp"):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_text(name)
    (inside / "conversion" / "out.py").symlink_to("/etc/passwd")
    with tarfile.open(package, "w:gz") as archive:
        archive.add(tmp_path / "llama_cpp_python-9", "llama_cpp_python-9")
    script = unpack(package, tmp_path / "out")
    assert script.read_text() == "convert_hf_to_gguf.py"
    found = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert found == ["conversion/base.py", "convert_hf_to_gguf.py", "gguf-py/gguf/writer.py"]


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
    ],
)
def test_a_script_reaches_neither_the_network_nor_other_programs(code: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(code)
    outcome = run_offline(tmp_path / "script.py")
    assert outcome.returncode != 0
    assert "is refused" in outcome.stderr


def test_a_script_hears_its_own_words_and_finds_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("ANSWER = 42")
    (tmp_path / "script.py").write_text(
        "import sys, neighbour\nif __name__ == '__main__':\n    print(sys.argv[1:], neighbour.ANSWER)"
    )
    outcome = run_offline(tmp_path / "script.py", "a", "b")
    assert (outcome.returncode, outcome.stdout) == (0, "['a', 'b'] 42\n"), outcome.stderr


def test_a_library_that_is_not_installed_is_only_missed_where_it_is_used(tmp_path: Path) -> None:
    if importlib.util.find_spec("sentencepiece"):
        pytest.skip("sentencepiece is installed here")
    (tmp_path / "script.py").write_text(
        "from sentencepiece import SentencePieceProcessor\nprint('so far')\nSentencePieceProcessor()"
    )
    outcome = run_offline(tmp_path / "script.py")
    assert outcome.stdout == "so far\n"
    assert "No module named 'sentencepiece'" in outcome.stderr


def test_a_folder_with_code_is_refused_before_anything_is_fetched_or_run(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the tokenizers library")
    folder = write_chat_checkpoint(tmp_path / "m", LLAMA)
    (folder / "modeling.py").write_text("")
    job = ConvertJob(source=str(folder), target=str(tmp_path / "out.gguf"), converter="llama.cpp")
    with ProgressReporter(lambda _: None, "a", 0) as progress, pytest.raises(ModelUnsupported, match="code"):
        do_job(job, progress, tmp_path / "job")


@pytest.mark.llama
@pytest.mark.skipif(not FULL, reason="takes 30 seconds of imports; RETORT_FULL_TESTS=1 runs it")
@pytest.mark.skipif(sys.platform == "win32", reason="the package is kept elsewhere")
def test_the_scripts_write_what_our_converter_writes(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("torch", "transformers", "llama_cpp"):
        pytest.importorskip(name, reason=f"needs {name}")
    if not (real_sources() / PACKAGE).is_file():
        pytest.skip("needs llama.cpp's source package in the cache folder")
    from tests.support.llama_logits import llama_logits  # noqa: PLC0415

    monkeypatch.setenv("RETORT_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "cache").mkdir(parents=True)
    (tmp_path / "home" / "cache" / "sources").symlink_to(real_sources())
    source, outputs = shared_data / "models" / "stories260K-hf", {}
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in source.iterdir()}
    for converter in ("own", "llama.cpp"):
        target, folder = tmp_path / f"{converter}.gguf", tmp_path / f"job-{converter}"
        folder.mkdir()
        job = ConvertJob(source=str(source), target=str(target), weight_type="F32", converter=converter)
        with ProgressReporter(lambda _: None, "a", 0) as progress:
            result = do_job(job, progress, folder)
        assert isinstance(result, ConvertResult)
        assert result.converter == converter
        outputs[converter] = llama_logits(target, list(range(1, 200)))
        assert {t.name for t in read_header(target).tensors} == {
            t.name for t in read_header(tmp_path / "own.gguf").tensors
        }
    assert abs(outputs["own"] - outputs["llama.cpp"]).max() < 1e-5
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in source.iterdir()} == before


def test_what_the_scripts_say_last_is_the_reason() -> None:
    said = "INFO:hf-to-gguf:Loading model: x\nERROR:hf-to-gguf:Model GPTFooForCausalLM is not supported"
    assert llama_scripts._reason(said) == "Model GPTFooForCausalLM is not supported"

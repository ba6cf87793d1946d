"""The process of a job, driven by hand over its pipes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.errors import StorageFailed
from engine.contract.job_messages import JobProgress, JobRequest
from engine.contract.jobs import ConvertJob, Job, QuantizeJob
from engine.contract.messages import ErrorEvent, Hello, Message
from engine.contract.paths import builtin_model
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import decode, encode
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint

pytestmark = pytest.mark.llama
WAIT_S = 60
FULL = bool(os.environ.get("RETORT_FULL_TESTS"))


def start(folder: Path, *before: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*before, *child_command("engine.worker.job", "--folder", str(folder))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment() | {"PYTHONWARNINGS": "error"},
    )


def messages_of(process: subprocess.Popen[bytes], job: Job) -> list[Message]:
    """What the process says to a job, its input held open until it ends by itself."""
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(encode(JobRequest(request_id="a", job=job)))
    process.stdin.flush()
    with process, process.stdin, process.stdout, process.stderr:
        lines = process.stdout.readlines()
        said = process.stderr.read()
        assert process.wait(WAIT_S) == 0, said
    return [decode(line) for line in lines]


def quantization(target: Path) -> QuantizeJob:
    return QuantizeJob(source=str(builtin_model()), target=str(target), recipe=json.dumps({"base": "Q8_0"}))


def test_the_first_line_is_hello_and_the_last_the_end(tmp_path: Path) -> None:
    first, *between, last = messages_of(start(tmp_path), quantization(tmp_path / "missing" / "out.gguf"))
    assert isinstance(first, Hello)
    assert all(isinstance(message, JobProgress) for message in between)
    assert isinstance(last, ErrorEvent)
    assert (last.code, last.request_id) == (StorageFailed.code, "a")
    assert "no such folder" in last.message


def test_the_end_of_stdin_ends_the_process_whether_it_works_or_waits(tmp_path: Path) -> None:
    for job in (None, quantization(tmp_path / "out.gguf")):
        process = start(tmp_path)
        _, said = process.communicate(encode(JobRequest(request_id="a", job=job)) if job else b"", WAIT_S)
        assert process.returncode == 0, said


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize(
    "blocks", [0, 100, 8000, *((1, 10, 1000, 3000, 5000, 7000, 9000, 10000, 11000) if FULL else ())]
)
def test_a_full_disk_ends_in_words_and_leaves_nothing(blocks: int, tmp_path: Path) -> None:
    limited = ("sh", "-c", f'ulimit -f {blocks} && exec "$@"', "sh")  # blocks of 512 bytes
    last = messages_of(start(tmp_path, *limited), quantization(tmp_path / "out.gguf"))[-1]
    assert isinstance(last, ErrorEvent)
    assert last.code == StorageFailed.code, last.message
    assert not list(tmp_path.glob("out*"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("blocks", [0, 100, *((1, 2, 10, 20, 50, 80, 120, 140, 160, 180) if FULL else ())])
def test_a_full_disk_while_converting_ends_in_words_and_leaves_nothing(blocks: int, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the tokenizers library")
    config = DEEPSEEK | {"tie_word_embeddings": True, "n_group": 1, "topk_group": 1}
    folder = write_chat_checkpoint(tmp_path / "Tiny-V3", config)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    job = ConvertJob(source=str(folder), target=str(tmp_path / "out.gguf"), weight_type="F32")
    limited = ("sh", "-c", f'ulimit -f {blocks} && exec "$@"', "sh")
    last = messages_of(start(tmp_path, *limited), job)[-1]
    assert isinstance(last, ErrorEvent)
    assert (last.code, last.details["path"]) == (StorageFailed.code, job.target)
    assert not list(tmp_path.glob("out*"))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before

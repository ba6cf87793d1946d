"""Every command as a process: what is printed where, and the exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contract.processes import child_environment
from engine.contract.version import RETORT_VERSION
from tests.support.command_line import retort

REPORT = {
    "text",
    "reasoning",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "ttft_ms",
    "prompt_tps",
    "decode_tps",
    "draft_acceptance",
    "drafting",
    "peak_rss_mib",
    "kv_bytes_per_token",
    "backend",
    "device",
    "seed",
}


def test_an_answer_is_streamed_to_stdout_alone() -> None:
    outcome = retort("run", "fake:tokens=12,text=hello world ", "Say hello.")
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "hello world \n", "")


def test_json_is_one_object_in_the_last_line() -> None:
    outcome = retort("run", "fake:tokens=5,text=héllo", "Say hello.", "--json", "--seed", "3")
    report = json.loads(outcome.stdout.splitlines()[-1])
    assert outcome.status == 0
    assert set(report) == REPORT
    assert (report["text"], report["finish_reason"], report["seed"]) == ("héll", "stop", 3)


THINKING = "fake:family=think,once=true,text=<think>Hm.</think>Yes."


def test_reasoning_has_its_own_place_in_json() -> None:
    report = json.loads(retort("run", THINKING, "Why?", "--json").stdout)
    assert (report["reasoning"], report["text"]) == ("Hm.", "Yes.")
    assert set(report) == REPORT


def test_a_tool_call_is_in_json_where_there_is_one() -> None:
    text = '<|channel|>commentary to=functions.f<|message|>{"a": 1}'
    report = json.loads(retort("run", f"fake:family=harmony,once=true,text={text}", "x", "--json").stdout)
    assert [(call["name"], call["arguments"]) for call in report["tool_calls"]] == [("f", '{"a": 1}')]


def test_reasoning_is_not_in_the_streamed_text() -> None:
    outcome = retort("run", THINKING, "Why?")
    assert (outcome.stdout, outcome.stderr) == ("Yes.\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")
def test_reasoning_is_shown_dimmed_on_a_terminal() -> None:
    import pty  # noqa: PLC0415  (POSIX only)

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "app", "run", THINKING, "Why?"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=child_environment(),
        check=True,
    )
    os.close(theirs)
    assert done.stdout == b"Yes.\n"
    assert os.read(ours, 10_000).replace(b"\r", b"") == b"\x1b[2mHm.\x1b[0m\n\n"
    os.close(ours)


def test_a_prompt_comes_from_stdin_where_it_is_a_dash() -> None:
    outcome = retort("run", "fake:tokens=2,text=ok", "-", "--json", "--raw", stdin="from the pipe")
    assert json.loads(outcome.stdout)["prompt_tokens"] == len("from the pipe") + 1


def test_max_tokens_and_stop_strings_end_an_answer() -> None:
    limited = retort("run", "fake:tokens=50,text=one two three ", "x", "--max-tokens", "3")
    stopped = retort("run", "fake:tokens=50,text=one two three ", "x", "--stop", "two")
    assert (limited.stdout, stopped.stdout) == ("one\n", "one \n")


def test_without_a_prompt_each_line_of_a_pipe_is_answered() -> None:
    outcome = retort("run", "fake:tokens=2,text=ok", stdin="first\n\nsecond\n")
    assert (outcome.status, outcome.stdout) == (0, "ok\nok\n")


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["run", "fake", "x", "--temperature", "-1"], 2, "temperature must be"),
        (["run", "fake", "x", "--ctx", "1"], 2, "context_length must be"),
        (["run", "no-such-file.gguf", "x"], 1, "no model at"),
        (["run", "fake:abort_at=1,rate=100", "x"], 1, "the worker ended with an abort"),
        (["inspect", "no-such-file.gguf"], 1, "no model at"),
    ],
)
def test_a_failure_is_one_line_on_stderr(words: list[str], status: int, reason: str) -> None:
    outcome = retort(*words)
    assert outcome.status == status
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("retort: ")
    assert reason in line


@pytest.mark.parametrize("words", [["nonsense"], ["run"], ["run", "fake", "x", "--top-k", "many"]])
def test_wrong_use_is_2_and_shows_the_usage(words: list[str]) -> None:
    outcome = retort(*words)
    assert outcome.status == 2
    assert "usage: retort" in outcome.stderr


def test_help_and_version_answer_at_once() -> None:
    assert retort("--version").stdout.strip() == f"Retort {RETORT_VERSION}"
    shown = retort("--help").stdout
    assert all(command in shown for command in ("run", "inspect", "doctor"))


def test_inspect_says_what_a_file_holds(tiny_model: Path) -> None:
    report = json.loads(retort("inspect", str(tiny_model), "--json").stdout)
    assert (report["architecture"], report["quantization"], report["layers"]) == ("llama", "F32", 2)
    assert report["tensor_types"] == {"F32": 21}
    assert report["active_parameters"] == report["parameters"]
    assert "F32: 21" in retort("inspect", str(tiny_model)).stdout


def test_inspect_refuses_a_damaged_file_in_words(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny_model.read_bytes()[:-100])
    outcome = retort("inspect", str(path))
    assert outcome.status == 1
    assert "it ends too early" in outcome.stderr


@pytest.mark.llama
def test_doctor_finds_nothing_wrong_here() -> None:
    outcome = retort("doctor", "--json")
    report = json.loads(outcome.stdout)
    assert (outcome.status, report["problems"]) == (0, [])
    assert report["engine"].startswith("llama-cpp-python 0.3.36")
    assert "answers" in report["builtin_model"]


def test_bench_refuses_a_count_of_nothing() -> None:
    assert retort("bench", "fake", "--runs", "0").status == 2


@pytest.mark.llama
def test_bench_measures_what_it_was_asked_to(tiny_model: Path) -> None:
    words = ("--prompt-tokens", "40", "--tokens", "8", "--runs", "2", "--threads", "1", "--json")
    report = json.loads(retort("bench", str(tiny_model), *words).stdout)
    assert (report["runs"], report["threads"], report["quantization"]) == (2, 1, "F32")
    assert 0 < report["completion_tokens"] <= 8
    assert report["prompt_tps"] > 0
    assert 0 < report["bandwidth_share"] < 1.5
    assert report["memory_bandwidth_gb_s"] > 0.1


@pytest.mark.llama
def test_a_model_file_of_a_real_layout_answers(tiny_model: Path) -> None:
    outcome = retort(
        "run", str(tiny_model), "x", "--json", "--max-tokens", "8", "--threads", "1", "--seed", "1"
    )
    report = json.loads(outcome.stdout)
    assert report["completion_tokens"] <= 8
    assert (report["backend"], report["kv_bytes_per_token"]) == ("llama", 512)
    again = retort(
        "run", str(tiny_model), "x", "--json", "--max-tokens", "8", "--threads", "1", "--seed", "1"
    )
    assert json.loads(again.stdout)["text"] == report["text"]


@pytest.mark.llama
def test_without_a_display_the_builtin_model_answers_what_comes_through_the_pipe() -> None:
    outcome = retort(stdin="Hello!\n", display=False)
    assert outcome.status == 0
    assert "there is no display" in outcome.stderr
    assert outcome.stdout.strip()


@pytest.mark.llama
def test_without_a_display_and_without_input_the_builtin_model_answers_one_greeting() -> None:
    outcome = retort(display=False)
    assert outcome.status == 0
    assert "here is a greeting" in outcome.stderr
    assert outcome.stdout.strip()


def test_without_a_display_a_model_file_is_refused_with_what_to_do(tiny_model: Path) -> None:
    outcome = retort(str(tiny_model), display=False)
    assert outcome.status == 1
    assert "`retort run`" in outcome.stderr


def test_a_broken_chat_template_is_said_and_answered_nevertheless() -> None:
    said = retort("run", "fake:family=broken,once=true,text=Yes.", "Why?")
    assert (said.status, said.stdout.strip()) == (0, "Yes.")
    assert "chat template failed (TemplateSyntaxError" in said.stderr
    assert "plain ChatML turns" in said.stderr
    told = retort("run", "fake:family=broken,once=true,text=Yes.", "Why?", "--json")
    assert json.loads(told.stdout.splitlines()[-1])["template_notice"]["fallback"] == "ChatML"

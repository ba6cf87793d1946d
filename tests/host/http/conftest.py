"""A served engine: `retort serve` as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from openai import OpenAI

from engine.contract.processes import child_environment

KEY = "a key for tests"


@dataclass(frozen=True)
class Server:
    """Where it listens, and its process."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def served(*words: str) -> Iterator[Server]:
    """`retort serve` on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment() | {"RETORT_API_KEY": KEY},
    )
    try:
        assert process.stdout is not None
        yield Server(process.stdout.readline().decode().strip(), process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of the fake model with a fast short answer, which has answered once: its workers are there."""
    with (
        served("fake:tokens=40,text=one two three ") as running,
        OpenAI(base_url=running.url, api_key=KEY) as client,
    ):
        client.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])
        yield running

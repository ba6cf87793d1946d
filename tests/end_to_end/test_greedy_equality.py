"""At temperature 0 the whole way through host and worker gives what a plain llama.cpp loop gives."""

import random
from pathlib import Path

import pytest

from engine.contract.params import LoadParams
from tests.support.host_recorder import HostRecorder
from tests.support.plain_greedy import reference_answers

MAX_TOKENS = 80
WORDS = "once upon a time there was little dog who found big red ball and said hello to the moon".split()


def prompts(count: int) -> list[str]:
    """Openings of stories, some long, and some that are no English at all."""
    rng = random.Random(7)
    drawn = [" ".join(rng.choices(WORDS, k=rng.choice([1, 3, 8, 40]))).capitalize() for _ in range(count - 4)]
    return [*drawn, "Grüße, 世界! 😀", "   \n\n", "1 + 1 =", "x" * 200]


def check(host: HostRecorder, model: Path, count: int, load: LoadParams | None = None) -> None:
    asked = prompts(count)
    expected = reference_answers(model, asked, MAX_TOKENS)
    for number, (prompt, answer) in enumerate(zip(asked, expected, strict=True)):
        request_id = f"r{number}"
        host.ask(request_id, str(model), prompt, max_tokens=MAX_TOKENS, load=load)
        finished = host.finished(request_id)
        assert host.text_of(request_id) == answer["text"], prompt
        ended = finished.reason == "stop"  # the end token counts as generated, and is not in the reference
        assert finished.usage.completion_tokens == len(answer["tokens"]) + ended


@pytest.mark.llama
def test_the_tiny_model_answers_as_plain_llama_cpp_does(host: HostRecorder, tiny_model: Path) -> None:
    # logits of random weights lie so close together that the number of threads decides between them
    check(host, tiny_model, 12, LoadParams(threads=4))


@pytest.mark.llama
@pytest.mark.slow
def test_the_shipped_model_answers_as_plain_llama_cpp_does(host: HostRecorder, builtin: Path) -> None:
    check(host, builtin, 12)


@pytest.mark.llama
@pytest.mark.slow
def test_stories260k_answers_as_plain_llama_cpp_does(host: HostRecorder, shared_data: Path) -> None:
    check(host, shared_data / "models" / "stories260K-F32.gguf", 50)

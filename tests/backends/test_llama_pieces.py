"""Which tokens of a real vocabulary show their text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.chat.formats import HERMES
from engine.chat.output_format import OutputFormat, Region
from engine.contract.params import LoadParams
from engine.generation.backend import Backend
from engine.worker.answer_parts import marks_in_vocabulary

pytestmark = pytest.mark.llama
BEGIN_TOKEN = 1  # of the tiny model, a control token written <s>


@pytest.fixture
def backend(tiny_model: Path) -> Iterator[Backend]:
    from engine.backends.llama.backend import LlamaBackend  # noqa: PLC0415  (needs the llama-cpp-python wheel)

    loaded = LlamaBackend(tiny_model, LoadParams(threads=1), lambda _: None, lambda: False)
    yield loaded
    loaded.close()


def test_a_control_token_shows_its_text_only_when_asked(backend: Backend) -> None:
    assert backend.piece(BEGIN_TOKEN) == b""
    assert backend.piece(BEGIN_TOKEN, special=True) == b"<s>"


def test_the_control_tokens_of_a_format_are_found_in_the_vocabulary(backend: Backend) -> None:
    marked = OutputFormat(name="marked", regions={"start": Region(kind="text", steps={"<s>": "start"})})
    assert marks_in_vocabulary(backend, marked) == {BEGIN_TOKEN}
    assert marks_in_vocabulary(backend, HERMES) == frozenset()

"""The shipped model's MTP layer: its drafts leave the text as it is, and most of them are kept.

A few texts as a rule, all with RETORT_FULL_TESTS=1.
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs torch")

from benchmarks.builtin_drafts import compare, prompt_of
from engine.backends.gguf_tokenizer import gguf_tokenizer
from engine.generation.sequence import Sequence
from engine.library.gguf import read_header
from engine.training.data import Corpus
from engine.training.held_out import measure_loaded
from engine.training.mix import held_out_dialogues
from engine.training.rubric import FIXED
from engine.training.tokenizer import END, encode
from engine.transformer.drafters import MtpDrafter
from engine.transformer.model import Transformer, load_model
from tests.support.transformer_drafts import drafted_answer

pytestmark = [pytest.mark.slow, pytest.mark.llama, pytest.mark.torch]

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
NUM_PROMPTS, NUM_DOCUMENTS = (20, 40) if FULL else (5, 8)
MAX_TOKENS, CONTEXT = 120, 512
HELD_OUT_TOKENS = 300


@pytest.fixture(scope="module")
def model(builtin: Path) -> Transformer:
    return load_model(read_header(builtin))


@pytest.fixture(scope="module")
def tokenizer(builtin: Path) -> Any:
    return gguf_tokenizer(read_header(builtin, whole_arrays=True))


def greedy(model: Transformer, prompt: list[int], depth: int) -> tuple[list[int], Sequence]:
    """A greedy answer with so many drafts a step."""
    return drafted_answer(
        model,
        MtpDrafter(model, CONTEXT),
        prompt,
        depth=depth,
        max_tokens=MAX_TOKENS,
        context_length=CONTEXT,
        end_tokens=frozenset((END,)),
    )


def test_drafts_leave_the_text_as_it_is_in_llama_cpp(builtin: Path) -> None:
    report = compare(builtin, num_prompts=NUM_PROMPTS)
    assert report["same_text"] == report["prompts"] == NUM_PROMPTS
    assert report["acceptance"] >= 0.7


def test_drafts_leave_the_text_as_it_is_in_the_torch_engine(model: Transformer, tokenizer: Any) -> None:
    drafted = kept = 0
    for prompt in FIXED[-NUM_PROMPTS:]:
        ids = tokenizer.encode(prompt_of(prompt.system, prompt.turns[0]), add_special_tokens=False).ids
        plain, _ = greedy(model, ids, 0)
        found, sequence = greedy(model, ids, 1)
        assert found == plain
        assert sequence.drafting is not None
        drafted, kept = drafted + sequence.drafting.num_drafted, kept + sequence.drafting.num_accepted
    assert kept >= 0.7 * drafted > 0


def test_drafts_are_kept_on_held_out_chats(model: Transformer, tokenizer: Any, real_corpus: Corpus) -> None:
    chats = held_out_dialogues(real_corpus, random.Random("1 evaluation"))["chats"][:NUM_DOCUMENTS]
    found = measure_loaded(model, encode(tokenizer, chats))
    assert found.acceptance >= 0.85, found


def test_drafts_are_kept_on_stories_by_people(
    model: Transformer, tokenizer: Any, real_corpus: Corpus
) -> None:
    told = [
        tokenizer.encode(story.text, add_special_tokens=False).ids[:HELD_OUT_TOKENS]
        for story in real_corpus.held_out[:NUM_DOCUMENTS]
    ]
    found = measure_loaded(model, encode(tokenizer, [tokenizer.decode(ids) for ids in told]))
    assert found.acceptance >= 0.6, found
    assert found.loss < 4, found

"""The tokenizer: any text comes back, and dialogues are trained as the chat template renders them."""

import random

import jinja2
import pytest

pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from tokenizers import Tokenizer

from engine.chat.formats import THINK as THINK_FORMAT
from engine.chat.formats import choose_format
from engine.training.dialogues import story_exchange, with_system, written_exchange
from engine.training.messages import END_THINK, THINK, Message
from engine.training.packing import pack
from engine.training.tokenizer import (
    ASSISTANT,
    BEGIN,
    CHAT_TEMPLATE,
    END,
    PROMPT_WEIGHT,
    SPECIAL_TOKENS,
    USER,
    Encoded,
    encode,
    train_tokenizer,
)

TEXTS = [story_exchange(random.Random(seed))[0][1].content for seed in range(60)]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, vocabulary_size=500)


@pytest.mark.parametrize(
    "text", [TEXTS[0], "Ünïcode 日本語 🙂", "  two  spaces\n\n\ttab", "it's we'll 1234 <b>", "\x00\x7f"]
)
def test_any_text_comes_back_from_its_tokens(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_turn_tokens_come_first(tokenizer: Tokenizer) -> None:
    assert [tokenizer.id_to_token(token_id) for token_id in range(len(SPECIAL_TOKENS))] == list(
        SPECIAL_TOKENS
    )
    assert tokenizer.get_vocab_size() == 500


def test_the_marks_of_reasoning_are_tokens_whose_text_shows(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(f"{THINK}a{END_THINK}").ids
    assert len(ids) == 3
    assert tokenizer.decode(ids) == f"{THINK}a{END_THINK}"


def test_a_dialogue_is_trained_exactly_as_the_template_renders_it(tokenizer: Tokenizer) -> None:
    rng = random.Random(5)
    template = jinja2.Environment().from_string(CHAT_TEMPLATE)
    for _ in range(50):
        dialogue = with_system((*written_exchange(rng), *story_exchange(rng)[0]), rng, share=0.5)
        messages = [{"role": message.role, "content": f" {message.content}\n"} for message in dialogue]
        rendered = template.render(messages=messages, add_generation_prompt=False)
        assert tokenizer.encode(rendered).ids == encode(tokenizer, [dialogue])[0].token_ids


def test_the_template_ends_in_the_assistants_turn_when_asked() -> None:
    template = jinja2.Environment().from_string(CHAT_TEMPLATE)
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "?"},
    ]
    rendered = template.render(messages=messages, add_generation_prompt=True)
    assert rendered == "<|begin|><|user|>Hi<|assistant|>Hello<|end|><|user|>?<|assistant|>"


def test_earlier_reasoning_is_not_in_the_prompt() -> None:
    template = jinja2.Environment().from_string(CHAT_TEMPLATE)
    messages = [
        {"role": "user", "content": "1 + 1"},
        {"role": "assistant", "content": f"{THINK}Count.{END_THINK}2"},
        {"role": "user", "content": "?"},
    ]
    rendered = template.render(messages=messages, add_generation_prompt=True)
    assert rendered == "<|begin|><|user|>1 + 1<|assistant|>2<|end|><|user|>?<|assistant|>"


def test_the_template_tells_that_answers_may_begin_with_reasoning() -> None:
    assert choose_format(CHAT_TEMPLATE) is THINK_FORMAT


def test_answers_weigh_more_than_prompts_and_turn_tokens_nothing(tokenizer: Tokenizer) -> None:
    dialogue = (Message("user", "a"), Message("assistant", "b"))
    encoded = encode(tokenizer, [dialogue])[0]
    a, b = tokenizer.token_to_id("a"), tokenizer.token_to_id("b")
    assert encoded.token_ids == [BEGIN, USER, a, ASSISTANT, b, END]
    assert encoded.weights == [0.0, 0.0, PROMPT_WEIGHT, 0.0, 1.0, 1.0]


def test_packed_rows_predict_the_next_token_with_its_own_weight() -> None:
    rows = pack([Encoded([0, 7, 8, 4], [0.0, 0.1, 1.0, 1.0]), Encoded([0, 9, 4], [0.0, 1.0, 1.0])], 3)
    assert rows.inputs.tolist() == [[0, 7, 8], [4, 0, 9]]
    assert rows.targets.tolist() == [[7, 8, 4], [0, 9, 4]]
    assert rows.weights[1].tolist() == [0.0, 1.0, 1.0]
    assert rows.weights[0].tolist() == pytest.approx([0.1, 1.0, 1.0])

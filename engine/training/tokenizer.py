"""The byte-level BPE of the built-in model, its turn tokens and its chat template.

What the template renders is exactly what `encode` trains on; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from engine.training.messages import END_THINK, THINK, Dialogue

BEGIN, SYSTEM, USER, ASSISTANT, END, PAD = range(6)
SPECIAL_TOKENS = ("<|begin|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>")
ROLE_TOKENS = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
PROMPT_WEIGHT = 0.1  # what a prompt's tokens count in the loss, beside 1 for answers and plain text

CHAT_TEMPLATE = (
    "{{- '<|begin|>' -}}"
    "{%- for message in messages -%}"
    "{%- set content = message['content'] -%}"
    "{%- if '<think>' in content and '</think>' in content -%}"  # earlier reasoning is not read again
    "{%- set content = content.split('</think>')[-1] -%}"
    "{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' + content | trim -}}"
    "{%- if message['role'] == 'assistant' -%}{{- '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and what each of them weighs in the loss as a target."""

    token_ids: list[int]
    weights: list[float]


def train_tokenizer(texts: Iterable[str], *, vocabulary_size: int = 2048) -> Tokenizer:
    """A byte-level BPE over `texts`, with the turn tokens first and the marks of reasoning last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size - 2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([THINK, END_THINK])
    return tokenizer


def texts_of(documents: Iterable[str | Dialogue]) -> Iterator[str]:
    """The plain texts and the contents of all messages, one after the other."""
    for document in documents:
        if isinstance(document, str):
            yield document
        else:
            yield from (message.content for message in document)


def encode(tokenizer: Tokenizer, documents: Sequence[str | Dialogue]) -> list[Encoded]:
    """Each document as token ids: a text from `<|begin|>` to `<|end|>`, a dialogue as the template has it."""
    pieces = iter(
        tokenizer.encode_batch([text.strip() for text in texts_of(documents)], add_special_tokens=False)
    )
    encoded: list[Encoded] = []
    for document in documents:
        token_ids, weights = [BEGIN], [0.0]
        if isinstance(document, str):
            ids = next(pieces).ids
            token_ids += [*ids, END]
            weights += [1.0] * (len(ids) + 1)
        else:
            for message in document:
                ids = next(pieces).ids
                is_answer = message.role == "assistant"
                token_ids += [ROLE_TOKENS[message.role], *ids, *([END] if is_answer else [])]
                weight = 1.0 if is_answer else PROMPT_WEIGHT
                weights += [0.0] + [weight] * (len(ids) + is_answer)
        encoded.append(Encoded(token_ids, weights))
    return encoded

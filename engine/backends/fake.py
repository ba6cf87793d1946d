"""A backend without a model: scripted text at a set speed, for tests of everything around it.

Part of the product, so that the window and the processes are tested as they are. A model named `fake` answers
its default text; `fake:rate=200,tokens=500,abort_at=20,text=hello` sets it: tokens per second (0: as fast as
it goes), tokens of the answer, after how many tokens the process aborts or hangs, and the words it repeats,
or says but once with `once=true`; `family=think` or `harmony` gives it a template of that family, `broken`
one that fails; `recurrent=true` lets it forget the end of a slot by checkpoints only. Every next token is
equally likely.
Tokens are bytes; the begin token is 256, the end token 257, then come the control tokens.
"""

import os
import re
import time
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from engine.chat.reasoning_effort import reasoning_efforts
from engine.contract.errors import InternalError, InvalidRequest
from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import CacheFull, Cancelled, DecodeCancelled, Entry, Floats, Progress
from engine.generation.vocabulary import Vocabulary
from engine.library.backend_choice import FAKE

BEGIN_TOKEN, END_TOKEN, FIRST_CONTROL_TOKEN = 256, 257, 258
CONTROL_TEXTS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|other|>")
IDLE_SLOTS = 4


class FakeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fake model does."""

    text: str = "The retort answers. "
    tokens: int = 60
    rate: float = 0.0  # decode calls per second, 0 for no waiting
    prefill_rate: float = 0.0  # prompt tokens per second
    load_s: float = 0.0
    abort_at: int = 0  # abort after this many tokens, 0 for never
    hang_at: int = 0  # stop answering after this many tokens, deaf to cancels
    template: bool = True
    family: Literal["plain", "think", "harmony", "broken"] = "plain"
    once: bool = False  # end with the text, before `tokens` are reached
    positions: int = 0  # of the KV cache, for all sequences together; 0 for as many as they need
    recurrent: bool = False

    @classmethod
    def parse(cls, model: str) -> "FakeOptions":
        """The options in a model name such as `fake:rate=200,tokens=500`."""
        parts = [part.partition("=") for part in model.partition(":")[2].split(",") if part]
        try:
            return msgspec.convert({name: value for name, _, value in parts}, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"an option of the fake model is wrong: {error}") from error


class FakeSampler:
    """Answers the scripted bytes one by one."""

    def __init__(self, options: FakeOptions) -> None:
        self._options = options
        self._script = tokens_of(options.text)
        self._limit = len(self._script) if options.once else options.tokens
        self._length = 0

    def sample(self, row: int) -> int:  # noqa: ARG002
        """The next byte of the script, or the end token."""
        options = self._options
        if options.abort_at and self._length == options.abort_at:
            os.abort()
        while options.hang_at and self._length >= options.hang_at:
            time.sleep(1)
        if self._length == self._limit:
            return END_TOKEN
        token = self._script[self._length % len(self._script)]
        self._length += 1
        return token

    def accept(self, token: int) -> None:
        """The script goes on as before."""

    def close(self) -> None:
        """Nothing to give back."""


class FakeBackend:
    """Keeps the tokens it was given and sees to it that they follow one another; what it says is scripted."""

    def __init__(self, model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Take the loading time the options ask for, in steps that report progress."""
        self._options = FakeOptions.parse(model)
        for step in range(10):
            if cancelled():
                raise DecodeCancelled
            time.sleep(self._options.load_s / 10)
            progress((step + 1) / 10)
        self.batch_size = params.batch_size
        self.num_slots = params.sequences + IDLE_SLOTS
        self.num_positions = self._options.positions or self.num_slots * 2**20
        self.can_truncate = not self._options.recurrent
        self._slots: list[list[int]] = [[] for _ in range(self.num_slots)]
        self.is_interruptible = False
        self.end_tokens = frozenset({END_TOKEN})
        self.near_tie = 0.0
        self.vocabulary = Vocabulary(self.piece, FIRST_CONTROL_TOKEN + len(CONTROL_TEXTS), self.end_tokens)
        self.chat_template = _TEMPLATES[self._options.family] if self._options.template else ""
        self.template_tokens = {"bos_token": "", "eos_token": ""}
        self.loaded = LoadedModel(
            info=ModelInfo(
                name="Fake model",
                path=model,
                architecture=FAKE,
                size_bytes=0,
                parameters=0,
                quantization="",
                context_length=4096,
                vocabulary_size=FIRST_CONTROL_TOKEN + len(CONTROL_TEXTS),
                has_chat_template=self._options.template,
            ),
            backend=FAKE,
            device="no device",
            context_length=params.context_length or 4096,
            kv_bytes_per_token=8,
            load_ms=1000 * self._options.load_s,
            backend_version="1",
            reasoning_efforts=reasoning_efforts(self.chat_template),
            sequences=params.sequences,
        )

    def held(self, slot: int) -> list[int]:
        """What a slot holds; for tests."""
        return self._slots[slot]

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """One token per byte, and one per control text."""
        return [*([BEGIN_TOKEN] if add_special else []), *tokens_of(text)]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The byte itself; nothing for the begin and the end token."""
        if token < BEGIN_TOKEN:
            return bytes([token])
        is_shown = special and token >= FIRST_CONTROL_TOKEN
        return CONTROL_TEXTS[token - FIRST_CONTROL_TOKEN].encode() if is_shown else b""

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        """Append the tokens, at the rates that are set."""
        options = self._options
        num_tokens = sum(len(entry.token_ids) for entry in entries)
        if num_tokens > self.batch_size:
            raise InternalError(f"{num_tokens} tokens in a call, at most {self.batch_size} were promised")
        if sum(map(len, self._slots)) + num_tokens > self.num_positions:
            raise CacheFull
        if options.prefill_rate and num_tokens > len(entries):
            time.sleep(num_tokens / options.prefill_rate)
        if options.rate and any(entry.num_logits for entry in entries):
            time.sleep(1 / options.rate)
        if cancelled():
            raise DecodeCancelled
        rows, row = list[int](), 0
        for entry in entries:
            held = self._slots[entry.slot]
            if entry.position != len(held):
                raise InternalError(f"position {entry.position} does not follow {len(held)} tokens")
            held += entry.token_ids
            rows.append(row)
            row += entry.num_logits
        return rows

    def logits(self, row: int) -> Floats:  # noqa: ARG002
        """Zeros, (V,)."""
        return np.zeros(self.loaded.info.vocabulary_size, np.float32)

    def truncate(self, slot: int, length: int) -> bool:
        """Forget the end; a recurrent one all or nothing."""
        held = self._slots[slot]
        if not self.can_truncate and 0 < length < len(held):
            return False
        del held[length:]
        return True

    def copy(self, source: int, target: int, length: int) -> None:
        """The same tokens in another slot."""
        self._slots[target] = self._slots[source][:length]

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:  # noqa: ARG002
        """The tokens, four bytes each."""
        return np.asarray(self._slots[slot], np.int32).tobytes()

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:  # noqa: ARG002
        """The tokens again."""
        token_ids: list[int] = np.frombuffer(state, np.int32).tolist()
        self._slots[slot] = []
        if sum(map(len, self._slots)) + len(token_ids) > self.num_positions:
            return False
        self._slots[slot] = token_ids
        return True

    def states(self, slot: int) -> tuple[()]:  # noqa: ARG002
        """Nothing: it drafts by itself or not at all."""
        return ()

    def drafter(self) -> None:
        """It has none."""

    def expert_counts(self, slot: int) -> tuple[tuple[int, ...], ...]:  # noqa: ARG002
        """Nothing is counted."""
        return ()

    def sampler(
        self,
        params: SamplingParams,  # noqa: ARG002
        seed: int,  # noqa: ARG002
        history: Sequence[int],  # noqa: ARG002
    ) -> FakeSampler:
        """A script from its beginning, whatever the params."""
        return FakeSampler(self._options)

    def close(self) -> None:
        """Nothing to free."""


def tokens_of(text: str) -> list[int]:
    """The tokens a text is made of."""
    tokens: list[int] = []
    for part in _CONTROL.split(text):
        if part in CONTROL_TEXTS:
            tokens.append(FIRST_CONTROL_TOKEN + CONTROL_TEXTS.index(part))
        else:
            tokens += part.encode()
    return tokens


_CONTROL = re.compile(f"({'|'.join(map(re.escape, CONTROL_TEXTS))})")
_MESSAGES = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
_TEMPLATES = {
    "plain": _MESSAGES + "{% if add_generation_prompt %}assistant: {% endif %}",
    "think": _MESSAGES
    + "{% if add_generation_prompt %}assistant: {% if enable_thinking %}<think>\n{% endif %}{% endif %}",
    "broken": "{% for %}<|im_start|>",
    "harmony": _MESSAGES + "{# <|channel|> <|message|> #}<|start|>assistant",
}

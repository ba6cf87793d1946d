"""A backend without a model: scripted text at a set speed, for tests of everything around it.

Part of the product, so that the window and the processes are tested as they are. A model named `fake` answers
its default text; `fake:rate=200,tokens=500,abort_at=20,text=hello` sets it: tokens per second (0: as fast as
it goes), tokens of the answer, after how many tokens the process aborts or hangs, and the words it repeats,
or says but once with `once=true`; `family=think` or `harmony` gives it a template of that family.
Tokens are bytes; the begin token is 256, the end token 257, then come the control tokens.
"""

import os
import re
import time
from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.contract.errors import InvalidRequest
from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import Cancelled, DecodeCancelled, Progress

BEGIN_TOKEN, END_TOKEN, FIRST_CONTROL_TOKEN = 256, 257, 258
CONTROL_TEXTS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|other|>")
FAKE = "fake"


class FakeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fake model does."""

    text: str = "The retort answers. "
    tokens: int = 60
    rate: float = 0.0  # tokens per second, 0 for no waiting
    prefill_rate: float = 0.0  # prompt tokens per second
    load_s: float = 0.0
    abort_at: int = 0  # abort after this many tokens, 0 for never
    hang_at: int = 0  # stop answering after this many tokens, deaf to cancels
    template: bool = True
    family: Literal["plain", "think", "harmony"] = "plain"
    once: bool = False  # end with the text, before `tokens` are reached

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

    def sample(self) -> int:
        """The next byte of the script, or the end token."""
        options = self._options
        if options.rate:
            time.sleep(1 / options.rate)
        if options.abort_at and self._length == options.abort_at:
            os.abort()
        while options.hang_at and self._length >= options.hang_at:
            time.sleep(1)
        if self._length == self._limit:
            return END_TOKEN
        token = self._script[self._length % len(self._script)]
        self._length += 1
        return token

    def close(self) -> None:
        """Nothing to give back."""


class FakeBackend:
    """Keeps the tokens it was given; every logit is in the script."""

    def __init__(self, model: str, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Take the loading time the options ask for, in steps that report progress."""
        self._options = FakeOptions.parse(model)
        self._token_ids: list[int] = []
        for step in range(10):
            if cancelled():
                raise DecodeCancelled
            time.sleep(self._options.load_s / 10)
            progress((step + 1) / 10)
        self.batch_size = params.batch_size
        self.is_interruptible = False
        self.end_tokens = frozenset({END_TOKEN})
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
        )

    @property
    def cached_token_ids(self) -> list[int]:
        """What the KV cache would hold; for tests."""
        return self._token_ids

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """One token per byte, and one per control text."""
        return [*([BEGIN_TOKEN] if add_special else []), *tokens_of(text)]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The byte itself; nothing for the begin and the end token."""
        if token < BEGIN_TOKEN:
            return bytes([token])
        is_shown = special and token >= FIRST_CONTROL_TOKEN
        return CONTROL_TEXTS[token - FIRST_CONTROL_TOKEN].encode() if is_shown else b""

    def decode(self, token_ids: Sequence[int], position: int, cancelled: Cancelled) -> None:
        """Append the tokens, at the prefill rate where one is set."""
        if position != len(self._token_ids):
            raise InvalidRequest(f"position {position} does not follow {len(self._token_ids)} tokens")
        if self._options.prefill_rate and len(token_ids) > 1:
            time.sleep(len(token_ids) / self._options.prefill_rate)
        if cancelled():
            raise DecodeCancelled
        self._token_ids += token_ids

    def truncate(self, length: int) -> bool:
        """Forget the end."""
        del self._token_ids[length:]
        return True

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
    "harmony": _MESSAGES + "{# <|channel|> <|message|> #}<|start|>assistant",
}

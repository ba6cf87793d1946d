"""The tokenizer of a model, through the `tokenizers` library: of a folder's files or of a GGUF file.

Knows no model. Pieces are bytes: one may be a part of a character.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from engine.backends.gguf_tokenizer import end_tokens, gguf_tokenizer, token_text
from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import chat_template, read_json
from engine.library.gguf import GgufHeader

FILE = "tokenizer.json"
SPACE = "\u2581"  # SentencePiece writes it for a space


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerFacts:
    """What a model's files say beside the tokenizer itself."""

    chat_template: str
    begin: str  # the text of the begin token
    end: str
    end_tokens: frozenset[int]
    adds_begin: bool  # where the tokenizer does not put it in front by itself


class ModelTokenizer:
    """From text to token ids, and from token ids to bytes."""

    def __init__(self, tokenizer: Tokenizer, facts: TokenizerFacts) -> None:
        self._tokenizer, self._facts = tokenizer, facts
        tokenizer.no_truncation()
        tokenizer.no_padding()
        added = tokenizer.get_added_tokens_decoder()
        self._added = {number: token.content.encode() for number, token in added.items()}
        self._special = frozenset(number for number, token in added.items() if token.special)
        decoders = json.dumps(json.loads(tokenizer.to_str()).get("decoder"))
        self._is_byte_level = '"ByteLevel"' in decoders
        self._has_byte_tokens = '"ByteFallback"' in decoders
        self.chat_template, self.end_tokens = facts.chat_template, facts.end_tokens
        self.template_tokens = {"bos_token": facts.begin, "eos_token": facts.end}

    @property
    def num_tokens(self) -> int:
        """One more than the largest token id."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def encode(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids, special tokens in the text recognised; `add_special` puts the begin token in front."""
        token_ids: list[int] = self._tokenizer.encode(text, add_special_tokens=add_special).ids
        begin: int | None = self._tokenizer.token_to_id(self._facts.begin)
        wants_begin = add_special and self._facts.adds_begin
        if wants_begin and begin is not None and token_ids[:1] != [begin]:
            token_ids = [begin, *token_ids]
        if add_special and token_ids and token_ids[-1] in self.end_tokens:
            plain = self._tokenizer.encode(text, add_special_tokens=False).ids
            if plain[-1:] != token_ids[-1:]:  # an end token would end the answer before it begins
                token_ids.pop()
        return token_ids

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes a token stands for; special tokens have none unless `special` is set."""
        if token in self._special and not special:
            return b""
        if (added := self._added.get(token)) is not None:
            return added
        text: str | None = self._tokenizer.id_to_token(token)
        if text is None:  # the model's vocabulary is padded to a round size
            return b""
        if self._is_byte_level:
            return bytes(BYTE_OF[character] for character in text if character in BYTE_OF)
        if self._has_byte_tokens and len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            return bytes.fromhex(text[3:5])
        return text.replace(SPACE, " ").encode()


def read_tokenizer(folder: Path) -> ModelTokenizer:
    """The tokenizer of a checkpoint: tokenizer.json and the files beside it.

    Raises ModelUnsupported where there is no tokenizer.json, ModelDamaged where it is none.
    """
    if not (folder / FILE).is_file():
        raise ModelUnsupported(str(folder), f"there is no {FILE} in it; other tokenizers are not read")
    read_json(folder / FILE)
    try:
        tokenizer = Tokenizer.from_file(str(folder / FILE))
    except Exception as error:
        raise ModelDamaged(str(folder / FILE), f"it is no tokenizer ({error})") from error
    settings = _read_if_there(folder / "tokenizer_config.json")
    end = _special_text(settings, "eos_token")
    facts = TokenizerFacts(
        chat_template=chat_template(folder),
        begin=_special_text(settings, "bos_token"),
        end=end,
        end_tokens=_find_end_tokens(folder, tokenizer.token_to_id(end)),
        adds_begin=settings.get("add_bos_token") is True,  # some say so there only
    )
    return ModelTokenizer(tokenizer, facts)


def read_gguf_tokenizer(header: GgufHeader) -> ModelTokenizer:
    """The tokenizer of a GGUF file whose header was read with whole arrays; raises ModelError."""
    adds_begin = header.metadata.get("tokenizer.ggml.add_bos_token")
    if not isinstance(adds_begin, bool):
        adds_begin = header.text("tokenizer.ggml.model") == "llama"  # llama.cpp's defaults
    facts = TokenizerFacts(
        chat_template=header.text("tokenizer.chat_template"),
        begin=token_text(header, "bos"),
        end=token_text(header, "eos"),
        end_tokens=end_tokens(header),
        adds_begin=adds_begin,
    )
    return ModelTokenizer(gguf_tokenizer(header), facts)


def _special_text(settings: dict[str, Any], name: str) -> str:
    value = settings.get(name)
    value = value.get("content") if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


def _find_end_tokens(folder: Path, named: int | None) -> frozenset[int]:
    """Those of generation_config.json, config.json and tokenizer_config.json together."""
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        value = _read_if_there(folder / name).get("eos_token_id")
        found.update(v for v in (value if isinstance(value, list) else [value]) if type(v) is int)
    return frozenset(found if named is None else found | {named})


def _read_if_there(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _byte_of_character() -> dict[str, int]:
    """Byte-level BPE writes bytes as visible characters: printable ones as themselves, others from 256 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTE_OF = _byte_of_character()

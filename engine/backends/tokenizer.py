"""The tokenizer of a checkpoint: tokenizer.json through the `tokenizers` library, and the files beside it.

Knows no model. Pieces are bytes: one may be a part of a character.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.library.checkpoint import chat_template, read_json

FILE = "tokenizer.json"
SPACE = "\u2581"  # SentencePiece writes it for a space


class CheckpointTokenizer:
    """From text to token ids, and from token ids to bytes."""

    def __init__(self, folder: Path) -> None:
        """Raises ModelUnsupported where there is no tokenizer.json, ModelDamaged where it is none."""
        if not (folder / FILE).is_file():
            raise ModelUnsupported(str(folder), f"there is no {FILE} in it; other tokenizers are not read")
        description = read_json(folder / FILE)
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / FILE))
        except Exception as error:
            raise ModelDamaged(str(folder / FILE), f"it is no tokenizer ({error})") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._settings = _read_if_there(folder / "tokenizer_config.json")
        added = self._tokenizer.get_added_tokens_decoder()
        self._added = {number: token.content.encode() for number, token in added.items()}
        self._special = frozenset(number for number, token in added.items() if token.special)
        decoders = json.dumps(description.get("decoder"))
        self._is_byte_level = '"ByteLevel"' in decoders
        self._has_byte_tokens = '"ByteFallback"' in decoders
        self.chat_template = chat_template(folder)
        self.template_tokens = {name: self._special_text(name) for name in ("bos_token", "eos_token")}
        self.end_tokens = self._find_end_tokens(folder)

    @property
    def num_tokens(self) -> int:
        """One more than the largest token id."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def encode(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids, with special tokens in the text recognised; `add_special` puts the begin token in front.

        Some checkpoints say so in tokenizer.json, others in tokenizer_config.json only.
        """
        token_ids: list[int] = self._tokenizer.encode(text, add_special_tokens=add_special).ids
        begin: int | None = self._tokenizer.token_to_id(self.template_tokens["bos_token"])
        wants_begin = add_special and self._settings.get("add_bos_token") is True
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

    def _special_text(self, name: str) -> str:
        value = self._settings.get(name)
        value = value.get("content") if isinstance(value, dict) else value
        return value if isinstance(value, str) else ""

    def _find_end_tokens(self, folder: Path) -> frozenset[int]:
        """Those of generation_config.json, config.json and tokenizer_config.json together."""
        found: set[int] = set()
        for name in ("generation_config.json", "config.json"):
            value = _read_if_there(folder / name).get("eos_token_id")
            found.update(v for v in (value if isinstance(value, list) else [value]) if type(v) is int)
        named: int | None = self._tokenizer.token_to_id(self.template_tokens["eos_token"])
        return frozenset(found if named is None else found | {named})


def _read_if_there(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _byte_of_character() -> dict[str, int]:
    """Byte-level BPE writes bytes as visible characters: printable ones as themselves, others from 256 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTE_OF = _byte_of_character()

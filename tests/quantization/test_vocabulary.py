"""Tokenizers of published models: llama.cpp cuts texts with the converted file as they do themselves.

The larger one of the two is left to RETORT_FULL_TESTS=1.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
tokenizers = pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from engine.contract.errors import ModelDamaged, ModelUnsupported
from engine.quantization.convert import convert
from engine.quantization.pre_tokenizers import pre_tokenizer_name
from engine.quantization.vocabulary import adds_begin, vocabulary
from tests.support.llama_logits import ExactLlama
from tests.support.tiny_checkpoint import LLAMA, random_arrays, write_checkpoint, write_tokenizer

pytestmark = pytest.mark.llama

FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
PUBLISHED = [("tokenizers/deepseek-llm", 102_400), ("tokenizers/qwen2", 151_936)]
TEXTS = (
    "It's 12345 or 3.14, I'M SURE we'Ll see\r\n\r\n  indented\tx = [1,2]; # comment",
    "日本語のテキスト 你好世界 émigré Ω≈ç √∫ 🚀👩‍🚀  \n\n\t trailing   ",
    "",
    " ",
)


def with_tokenizer(folder: Path, tokenizer: Path, num_tokens: int) -> Path:
    """A checkpoint whose only purpose is its vocabulary."""
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
    config = LLAMA | small | {"vocab_size": num_tokens, "tie_word_embeddings": True}
    write_checkpoint(folder, config, random_arrays(config))
    for file in tokenizer.glob("tokenizer*.json"):
        shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize(("name", "num_tokens"), PUBLISHED if FULL else PUBLISHED[:1])
def test_every_text_becomes_the_same_tokens(
    name: str, num_tokens: int, shared_data: Path, tmp_path: Path
) -> None:
    folder = with_tokenizer(tmp_path / "model", shared_data / name, num_tokens)
    convert(folder, tmp_path / "out.gguf")
    theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    llama = ExactLlama(tmp_path / "out.gguf", num_context=32)
    prose = (shared_data / "text" / "wikitext-2-valid.txt").read_text(encoding="utf-8")[:20_000]
    for text in (*TEXTS, *prose.splitlines()):
        assert llama.tokens(text) == theirs.encode(text, add_special_tokens=False).ids, text
    llama.close()


def test_a_sentence_piece_vocabulary_cuts_like_the_file_with_its_scores(
    shared_data: Path, tmp_path: Path
) -> None:
    models = shared_data / "models"
    convert(models / "stories260K-hf", tmp_path / "out.gguf")
    ours, theirs = ExactLlama(tmp_path / "out.gguf"), ExactLlama(models / "stories260K-F32.gguf")
    prose = (shared_data / "text" / "wikitext-2-valid.txt").read_text(encoding="utf-8")[:20_000]
    for text in (*TEXTS, *prose.splitlines()):
        assert ours.tokens(text) == theirs.tokens(text), text
    for llama in (ours, theirs):
        llama.close()


@pytest.mark.parametrize(
    ("described", "ignores_merges", "name"),
    [
        ({"type": "ByteLevel", "add_prefix_space": False}, False, "gpt-2"),
        ({"type": "ByteLevel", "add_prefix_space": True}, False, ""),
        (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+", True, "llama-bpe"),
        (r"\w+|[^\w\s]+", False, ""),
        (None, False, ""),
    ],
)  # fmt: skip
def test_cuts_are_told_from_their_description(
    described: str | dict[str, Any] | None, ignores_merges: bool, name: str
) -> None:
    if isinstance(described, str):
        split = {"type": "Split", "pattern": {"Regex": described}, "behavior": "Isolated", "invert": False}
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
        described = {"type": "Sequence", "pretokenizers": [split, byte_level]}
    tokenizer = {"pre_tokenizer": described, "model": {"ignore_merges": ignores_merges}}
    assert pre_tokenizer_name(tokenizer) == name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tokenizer(tmp_path)
    return tmp_path


def changed(folder: Path, **changes: Any) -> Path:
    """The tokenizer with other entries."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def test_a_token_beyond_the_embedding_is_refused(folder: Path) -> None:
    with pytest.raises(ModelDamaged, match="token 259, but the model only 200"):
        vocabulary(folder, {"vocab_size": 200})


def test_rows_without_a_token_are_filled(folder: Path) -> None:
    tokens = vocabulary(folder, {"vocab_size": 262})["ggml.tokens"]
    assert isinstance(tokens, list)
    assert tokens[260:] == ["[unused 260]", "[unused 261]"]


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"pre_tokenizer": {"type": "Whitespace"}}, ModelUnsupported, "cuts text in a way"),
        ({"model": {"type": "Unigram", "vocab": []}}, ModelUnsupported, "Unigram"),
        ({"model": None}, ModelDamaged, "contradicts itself"),
        ({"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}, ModelDamaged, "contradicts itself"),
        ({"added_tokens": [{"id": 3}]}, ModelDamaged, "contradicts itself"),
    ],
)
def test_what_is_no_tokenizer_of_a_known_kind_is_refused_in_words(
    folder: Path, changes: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        vocabulary(changed(folder, **changes), {"vocab_size": 260})


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnsupported, match=r"no tokenizer\.json"):
        vocabulary(tmp_path, {"vocab_size": 260})


def test_the_begin_token_is_added_where_the_tokenizer_does_it() -> None:
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {}}]}
    nested = {"type": "Sequence", "processors": [{"type": "ByteLevel"}, template]}
    assert adds_begin({"post_processor": template}, {}, 0)
    assert adds_begin({"post_processor": nested}, {}, 0)
    assert not adds_begin({"post_processor": template}, {"add_bos_token": False}, 0)
    assert not adds_begin({"post_processor": None}, {}, 0)
    assert not adds_begin({"post_processor": template}, {}, None)

"""The tokenizer of a GGUF file, built from its metadata with the `tokenizers` library.

`gpt2` is byte-level BPE, whose merges are in the file; `llama` is SentencePiece's BPE, whose merges follow
from the scores of its pieces: the better a piece scores, the earlier its halves are merged.
"""

from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteFallback
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, Prepend, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers

from engine.contract.errors import ModelDamaged, ModelError, ModelUnsupported
from engine.library.gguf import ArrayValue, GgufHeader

UNKNOWN, CONTROL, USER_DEFINED, BYTE = 2, 3, 4, 6  # types of tokens
SPACE = "\u2581"

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_ASCII_MARKS = "!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~"
# How text is cut before merging, by `tokenizer.ggml.pre`, as the published tokenizers do it.
SPLITS: dict[str, tuple[str, ...]] = {
    "llama-bpe": (_WORDS + r"|\p{N}{1,3}" + _REST,),
    "llama3": (_WORDS + r"|\p{N}{1,3}" + _REST,),
    "qwen2": (_WORDS + r"|\p{N}" + _REST,),
    "deepseek-r1-qwen": (_WORDS + r"|\p{N}" + _REST,),
    "deepseek-v3": (
        r"\p{N}{1,3}",
        "[一-龥぀-ゟ゠-ヿ]+",
        rf"[{_ASCII_MARKS}][A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+"
        rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
}
NORMALIZED = ("qwen2", "deepseek-r1-qwen")  # to NFC, as the published tokenizers do


def gguf_tokenizer(header: GgufHeader) -> Tokenizer:
    """Build the tokenizer; `header` was read with whole arrays.

    Raises ModelUnsupported for kinds that are not known, ModelDamaged for one that contradicts itself.
    """
    path, kind = str(header.path), header.text("tokenizer.ggml.model")
    tokens = [str(token) for token in _array(header, "tokens")]
    types = _array(header, "token_type") or (1,) * len(tokens)
    if not tokens or len(types) != len(tokens) or len(set(tokens)) != len(tokens):
        raise ModelDamaged(path, "its list of tokens is empty, has twins or not a type for each")
    try:
        if kind == "gpt2":
            tokenizer = _byte_level(header, tokens)
        elif kind == "llama":
            tokenizer = _sentence_piece(header, tokens)
        else:
            raise ModelUnsupported(path, f"the torch engine does not know its kind of tokenizer ({kind:.40})")
    except ModelError:
        raise
    except Exception as error:  # the library raises nothing narrower
        raise ModelDamaged(path, f"its tokenizer contradicts itself ({error})") from error
    marks = {UNKNOWN: True, CONTROL: True, USER_DEFINED: False}
    for token, type_ in zip(tokens, types, strict=True):
        if type_ in marks:
            added = AddedToken(token, special=marks[int(type_)], normalized=False)
            (tokenizer.add_special_tokens if added.special else tokenizer.add_tokens)([added])
    return tokenizer


def token_text(header: GgufHeader, name: str) -> str:
    """The text of a token that the metadata names by its id, empty where there is none."""
    tokens, number = _array(header, "tokens"), header.metadata.get(f"tokenizer.ggml.{name}_token_id")
    return str(tokens[number]) if isinstance(number, int) and 0 <= number < len(tokens) else ""


def end_tokens(header: GgufHeader) -> frozenset[int]:
    """Tokens that end an answer: of the text, of a turn, of a message."""
    names = (f"tokenizer.ggml.{name}_token_id" for name in ("eos", "eot", "eom"))
    return frozenset(n for name in names if isinstance(n := header.metadata.get(name), int))


def _byte_level(header: GgufHeader, tokens: list[str]) -> Tokenizer:
    places, merges = _vocabulary(tokens), []
    for merge in _array(header, "merges"):
        left, _, right = str(merge).partition(" ")
        if left not in places or right not in places or left + right not in places:
            raise ModelDamaged(str(header.path), f"its merge {merge!r:.60} is none of its tokens")
        merges.append((left, right))
    tokenizer = Tokenizer(BPE(places, merges, ignore_merges=_ignores_merges(header)))
    name = header.text("tokenizer.ggml.pre")
    if name in ("gpt-2", "default", ""):
        tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    elif name in SPLITS:
        cuts: list[Any] = [Split(Regex(pattern), "isolated") for pattern in SPLITS[name]]
        tokenizer.pre_tokenizer = PreTokenizers([*cuts, ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        raise ModelUnsupported(str(header.path), f"its text is cut in a way not known here ({name:.40})")
    if name in NORMALIZED:
        tokenizer.normalizer = NFC()
    tokenizer.decoder = ByteLevelDecoder()
    return tokenizer


def _ignores_merges(header: GgufHeader) -> bool:
    """Llama 3 takes a word that is a token whole, whatever its merges."""
    return header.text("tokenizer.ggml.pre") in ("llama-bpe", "llama3")


def _sentence_piece(header: GgufHeader, tokens: list[str]) -> Tokenizer:
    places, scores = _vocabulary(tokens), [float(score) for score in _array(header, "scores")]
    types = _array(header, "token_type")
    pieces = [n for n, type_ in enumerate(types) if type_ not in (UNKNOWN, CONTROL, BYTE)]
    merges = []
    for number in pieces:
        token = tokens[number]
        halves = ((token[:cut], token[cut:]) for cut in range(1, len(token)))
        merges += [
            (-scores[number], places[left], places[right], left, right)
            for left, right in halves
            if left in places and right in places
        ]
    unknown = next((tokens[n] for n, type_ in enumerate(types) if type_ == UNKNOWN), None)
    model = BPE(
        places,
        [(left, right) for *_, left, right in sorted(merges)],
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    changes: list[Any] = [Replace(" ", SPACE)]
    if header.metadata.get("tokenizer.ggml.add_space_prefix", True):
        changes.insert(0, Prepend(SPACE))
    tokenizer.normalizer = Normalizers(changes)
    tokenizer.decoder = ByteFallback()
    return tokenizer


def _vocabulary(tokens: list[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def _array(header: GgufHeader, name: str) -> tuple[Any, ...]:
    value = header.metadata.get(f"tokenizer.ggml.{name}")
    return value.values if isinstance(value, ArrayValue) else ()

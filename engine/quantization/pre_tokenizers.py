"""How text is cut before merging: from tokenizer.json's description to the name that llama.cpp knows it by.

llama.cpp has these cuts built in (llama-vocab.cpp) and a GGUF file only names one. Its own scripts tell them
apart by hashing what a tokenizer makes of a text; the description itself is compared here, so that a
vocabulary trained anew is recognized too.
"""

from typing import Any

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS = rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_REST_WITH_SLASH = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CJK, _CJK_AND_KANA = "[一-龥ࠀ-一가-\ud7ff]+", "[一-龥\u3040-ゟ゠-ヿ]+"
_ASCII_MARKS = "!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~"
_DEEPSEEK_LLM_LETTERS = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿ"  # how it begins; the rest is every other alphabet
_DEEPSEEK_LLM_MARKS = r"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+".replace(r"\u3000", "\u3000")
DIGITS, GPT2 = "digits", "gpt-2"  # steps that are no patterns

_KNOWN: dict[tuple[str, ...], str] = {
    (GPT2,): "gpt-2",
    (DIGITS, GPT2): "starcoder",
    (_WORDS + r"|\p{N}{1,3}" + _REST,): "smaug-bpe",
    (_WORDS + r"|\p{N}" + _REST,): "qwen2",
    (
        rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
        r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ): "qwen35",
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*|\p{{N}}"
        + _REST_WITH_SLASH,
    ): "tekken",
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{CONTRACTIONS}?"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{CONTRACTIONS}?|\p{{N}}{{1,3}}" + _REST_WITH_SLASH,
    ): "gpt-4o",
    (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _CJK, DIGITS): "deepseek-coder",
    (r"[\r\n]", _DEEPSEEK_LLM_LETTERS, _DEEPSEEK_LLM_MARKS, r"\s+$", _CJK, DIGITS): "deepseek-llm",
    (
        r"\p{N}{1,3}",
        _CJK_AND_KANA,
        rf"[{_ASCII_MARKS}][A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+"
        r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ): "deepseek-v3",
}
_WHOLE_WORDS_FIRST = {"smaug-bpe": "llama-bpe", "tekken": "tekken"}  # a word that is a token is taken whole


def pre_tokenizer_name(described: dict[str, Any]) -> str:
    """llama.cpp's name of what a tokenizer.json describes; empty where it has none."""
    steps = tuple(_steps(described.get("pre_tokenizer")))
    name = _KNOWN.get(steps, "")
    if described["model"].get("ignore_merges"):
        return _WHOLE_WORDS_FIRST.get(name, "")
    return "" if name == "tekken" else name


def _steps(entry: Any) -> list[str]:
    """The cuts in their order; what is not known is a step that no known tokenizer has."""
    if not isinstance(entry, dict):
        return ["none"]
    kind = entry.get("type")
    if kind == "Sequence":
        return [step for each in entry.get("pretokenizers", []) for step in _steps(each)]
    if kind == "ByteLevel" and not entry.get("add_prefix_space"):
        return [GPT2] if entry.get("use_regex", True) else []
    if kind == "Digits" and entry.get("individual_digits"):
        return [DIGITS]
    pattern = entry.get("pattern")
    regex = pattern.get("Regex") if isinstance(pattern, dict) else None
    if kind == "Split" and entry.get("behavior") == "Isolated" and not entry.get("invert") and regex:
        written = str(regex).replace("\r", r"\r").replace("\n", r"\n")
        return [_DEEPSEEK_LLM_LETTERS if written.startswith(_DEEPSEEK_LLM_LETTERS) else written]
    return [f"unknown {kind}"]

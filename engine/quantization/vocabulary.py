"""A checkpoint's tokenizer as the metadata of a GGUF file: tokens, merges, what the special ones are for.

Two kinds: byte-level BPE (llama.cpp's `gpt2`), and SentencePiece's BPE (`llama`), which tokenizer.json holds
with merges by rank; llama.cpp merges by the score of what comes out, so a token's score is the rank of the
first merge that gives it, negated.
"""

from pathlib import Path
from typing import Any

from engine.contract.errors import ModelDamaged, ModelNotFound, ModelUnsupported
from engine.library.checkpoint import chat_template, read_json
from engine.quantization.gguf_file import Value
from engine.quantization.pre_tokenizers import pre_tokenizer_name

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # types of tokens
LEAST_SCORE = -1e6  # of a piece that no merge gives
BYTE_TOKENS = {f"<0x{byte:02X}>" for byte in range(256)}
TOKENIZER, SETTINGS, GENERATION = "tokenizer.json", "tokenizer_config.json", "generation_config.json"


def vocabulary(folder: Path, config: dict[str, Any]) -> dict[str, Value]:
    """The keys below `tokenizer.` of the checkpoint in `folder`.

    Raises ModelUnsupported for kinds that are not known, ModelDamaged for one that contradicts itself.
    """
    try:
        described = read_json(folder / TOKENIZER)
    except ModelNotFound as error:
        raise ModelUnsupported(
            str(folder), f"there is no {TOKENIZER} in it, without which it could not read text"
        ) from error
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    path = str(folder / TOKENIZER)
    try:
        return _vocabulary(folder, described, settings, config)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelDamaged(path, f"it contradicts itself ({error!r:.120})") from error


def _vocabulary(
    folder: Path, described: dict[str, Any], settings: dict[str, Any], config: dict[str, Any]
) -> dict[str, Value]:
    model, path = described["model"], str(folder / TOKENIZER)
    if model.get("type") != "BPE":
        raise ModelUnsupported(
            path, f"a tokenizer of type {model.get('type')!r:.40} cannot be converted here"
        )
    tokens, types = _tokens(path, described, config["vocab_size"])
    values: dict[str, Value] = {"ggml.tokens": tokens, "ggml.token_type": types}
    values |= (
        _sentence_piece(described, tokens) if model.get("byte_fallback") else _byte_level(path, described)
    )
    ids = token_ids(folder, described, settings, config)
    values |= {f"ggml.{name}_token_id": token_id for name, token_id in ids.items()}
    values["ggml.add_bos_token"] = adds_begin(described, settings, ids.get("bos"))
    values["ggml.add_eos_token"] = bool(settings.get("add_eos_token", False))
    if template := chat_template(folder):
        values["chat_template"] = template
    return values


def _tokens(path: str, described: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Every row of the embedding has a token; rows beyond the vocabulary get one that no text gives."""
    tokens = [f"[unused {token_id}]" for token_id in range(size)]
    types = [UNUSED] * size
    pieces, added = described["model"]["vocab"].items(), described.get("added_tokens") or []
    highest = max([number for _, number in pieces] + [token["id"] for token in added], default=0)
    if highest >= size or min((number for _, number in pieces), default=0) < 0:
        raise ModelDamaged(path, f"it has a token {highest}, but the model only {size} of them")
    for token, token_id in pieces:
        tokens[token_id], types[token_id] = token, NORMAL
        if described["model"].get("byte_fallback") and token in BYTE_TOKENS:
            types[token_id] = BYTE
    for token in added:
        tokens[token["id"]] = token["content"]
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
    unknown = described["model"].get("unk_token")
    if unknown in tokens:
        types[tokens.index(unknown)] = UNKNOWN
    return tokens, types


def _byte_level(path: str, described: dict[str, Any]) -> dict[str, Value]:
    name = pre_tokenizer_name(described)
    if not name:
        raise ModelUnsupported(path, "it cuts text in a way that is not known here")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in described["model"]["merges"]]
    return {"ggml.model": "gpt2", "ggml.pre": name, "ggml.merges": merges}


def _sentence_piece(described: dict[str, Any], tokens: list[str]) -> dict[str, Value]:
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(described["model"]["merges"]):
        left, right = pair.split(" ", 1) if isinstance(pair, str) else pair
        ranks.setdefault(left + right, rank)
    scores = [float(-ranks[token]) if token in ranks else LEAST_SCORE for token in tokens]
    return {
        "ggml.model": "llama",
        "ggml.pre": "default",
        "ggml.scores": scores,
        "ggml.add_space_prefix": "Prepend" in str(described.get("normalizer"))
        or "prepend_scheme': 'first" in str(described.get("pre_tokenizer")),
    }


def token_ids(
    folder: Path, described: dict[str, Any], settings: dict[str, Any], config: dict[str, Any]
) -> dict[str, int]:
    """The ids of the tokens that begin and end a text and a turn and fill rows, where they are named."""
    by_content = {token["content"]: token["id"] for token in described.get("added_tokens") or []}
    found: dict[str, int] = {}
    for name, key in (("bos", "bos"), ("eos", "eos"), ("padding", "pad"), ("unknown", "unk")):
        named = settings.get(f"{key}_token")
        content = named.get("content") if isinstance(named, dict) else named
        token_id = by_content.get(content, _first(config.get(f"{key}_token_id")))
        if isinstance(token_id, int) and 0 <= token_id < config["vocab_size"]:
            found[name] = token_id
    if "eos" in found:
        found["eot"] = _end_of_turn(folder, found["eos"], config["vocab_size"])
    return found


def _end_of_turn(folder: Path, end: int, vocabulary_size: int) -> int:
    """Another token that ends an answer, where generation_config.json names one beside that of the text."""
    described = read_json(folder / GENERATION) if (folder / GENERATION).is_file() else {}
    ends = described.get("eos_token_id")
    others = [n for n in ends if type(n) is int and n != end] if isinstance(ends, list) else []
    return next((n for n in others if 0 <= n < vocabulary_size), end)


def adds_begin(described: dict[str, Any], settings: dict[str, Any], begin: int | None) -> bool:
    """Whether every text begins with the begin token: as the settings say, else as the tokenizer does it."""
    if begin is None:
        return False
    if isinstance(settings.get("add_bos_token"), bool):
        return bool(settings["add_bos_token"])
    processor = described.get("post_processor") or {}
    steps = processor.get("processors", [processor])
    templates = [step.get("single") or [] for step in steps if step.get("type") == "TemplateProcessing"]
    return any("SpecialToken" in template[0] for template in templates if template)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value

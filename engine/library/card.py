"""The facts at the beginning of a model card: the few keys of its YAML that say where a model comes from.

Read line by line, without YAML: keys with one value or a list of plain values. All else is passed over. The
file is untrusted, its values are cut.
"""

from dataclasses import dataclass
from pathlib import Path

MAX_CARD_BYTES = 256 * 2**10
MAX_VALUES = 32
MAX_LENGTH = 200  # characters of a value
_FENCE = "---"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card says; empty where it does not."""

    license: str = ""
    base_models: tuple[str, ...] = ()
    relation: str = ""  # to the base model: finetune, quantized, merge, adapter
    datasets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def read_card(path: Path) -> CardFacts:
    """The facts of a card's file; none where there is no such file or it cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CARD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return CardFacts()
    return card_facts(text)


def card_facts(text: str) -> CardFacts:
    """The facts of a card's text."""
    values = _front_matter(text)

    def first(key: str) -> str:
        return next(iter(values.get(key, ())), "")

    return CardFacts(
        license=first("license_name") or first("license"),
        base_models=tuple(values.get("base_model", ())),
        relation=first("base_model_relation"),
        datasets=tuple(values.get("datasets", ())),
        tags=tuple(values.get("tags", ())),
    )


def _front_matter(text: str) -> dict[str, list[str]]:
    """Top-level keys and their plain values."""
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != _FENCE:
        return {}
    values: dict[str, list[str]] = {}
    key = ""
    for line in lines[1:]:
        stripped = line.strip()
        if stripped == _FENCE:
            return values
        if stripped.startswith("- ") and key:
            _add(values, key, stripped[2:])
        elif line[:1].strip() and ":" in line and not line.startswith(("-", "#")):
            key, _, rest = line.partition(":")
            key = key.strip()
            listed = rest.strip()
            inside = listed[1:-1].split(",") if listed.startswith("[") and listed.endswith("]") else [listed]
            for value in inside:
                _add(values, key, value)
    return {}  # it has no end


def _add(values: dict[str, list[str]], key: str, value: str) -> None:
    plain = value.strip().strip("'\"")[:MAX_LENGTH]
    known = values.setdefault(key, [])
    if plain and plain not in (">", "|") and len(known) < MAX_VALUES:
        known.append(plain)

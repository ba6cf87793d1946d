"""A recipe: which type each tensor of a model gets, as a file that people can read, edit and share.

    {"name": "Experts low", "base": "Q4_K_M",
     "rules": [{"part": "routed experts", "type": "IQ3_S"}, {"tensors": "ffn_down", "type": "Q6_K"}]}

The first rule that fits a tensor decides; a tensor without one gets what the base type's own mixture gives.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.contract.errors import InvalidRequest
from engine.library.gguf import TensorInfo
from engine.library.tensor_parts import Part, parts_of
from engine.quantization.file_types import FILE_TYPES, TENSOR_TYPE_NUMBERS, FileType

MAX_RULES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A tensor type for all tensors of a part, for those whose name a pattern is found in, or for both."""

    type: str
    part: str = ""  # a value of `Part`
    tensors: str = ""  # a regular expression, searched in the tensor's name

    def __post_init__(self) -> None:
        """Refuse what fits nothing or cannot be read."""
        if self.type not in TENSOR_TYPE_NUMBERS:
            raise ValueError(f"{self.type!r} is no tensor type")
        if self.part and self.part not in set(Part):
            raise ValueError(f"{self.part!r} is no part of a model; there are {', '.join(Part)}")
        if not self.part and not self.tensors:
            raise ValueError("a rule needs a part or a pattern")
        try:
            re.compile(self.tensors)
        except re.error as error:
            raise ValueError(f"{self.tensors!r} is no regular expression: {error}") from error

    def fits(self, name: str, part: Part) -> bool:
        """Whether this rule decides for a tensor."""
        return (not self.part or self.part == part) and re.search(self.tensors, name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A file type and the exceptions from it."""

    base: str  # a name of FILE_TYPES
    rules: tuple[Rule, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse types that do not exist."""
        if self.base not in FILE_TYPES:
            raise ValueError(f"{self.base!r} is no quantization type; there are {', '.join(FILE_TYPES)}")
        if len(self.rules) > MAX_RULES:
            raise ValueError(f"a recipe has at most {MAX_RULES} rules, this one {len(self.rules)}")

    @property
    def file_type(self) -> FileType:
        """What tensors without a rule follow."""
        return FILE_TYPES[self.base]

    def overrides(self, tensors: Iterable[TensorInfo]) -> dict[str, str]:
        """The tensor type that a rule gives, by tensor name; tensors without a rule are left out."""
        found = {}
        for name, part in parts_of(tensors).items():
            rule = next((rule for rule in self.rules if rule.fits(name, part)), None)
            if rule is not None:
                found[name] = rule.type
        return found

    def to_json(self) -> str:
        """The recipe as the text of its file."""
        rules = [{key: value for key, value in asdict(rule).items() if value} for rule in self.rules]
        return json.dumps({"name": self.name, "base": self.base, "rules": rules}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Read a recipe's file; raises InvalidRequest with what is wrong in it."""
        try:
            described = json.loads(text)
            return cls._from_mapping(described)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidRequest(f"this is no recipe: {error}") from error

    @classmethod
    def _from_mapping(cls, described: Any) -> "Recipe":
        if not isinstance(described, Mapping):
            raise TypeError("it is not a JSON object")
        _refuse_strangers(described, {"name", "base", "rules"})
        rules = described.get("rules", [])
        if not isinstance(rules, list):
            raise TypeError("its rules are not a list")
        return cls(
            base=str(described.get("base", "")),
            name=str(described.get("name", "")),
            rules=tuple(_rule(entry) for entry in rules),
        )


def read_recipe(text_or_path: str) -> Recipe:
    """The recipe a user names: a quantization type, or the path of a recipe's file."""
    if text_or_path.upper() in FILE_TYPES:
        return Recipe(base=text_or_path.upper(), name=text_or_path.upper())
    path = Path(text_or_path).expanduser()
    try:
        return Recipe.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{text_or_path!r} is neither a quantization type nor a recipe's file ({error})"
        ) from error


def _rule(entry: Any) -> Rule:
    if not isinstance(entry, Mapping):
        raise TypeError("a rule is not a JSON object")
    _refuse_strangers(entry, {"type", "part", "tensors"})
    return Rule(**{key: str(value) for key, value in entry.items()})


def _refuse_strangers(described: Mapping[str, Any], known: set[str]) -> None:
    strangers = set(described) - known
    if strangers:
        raise ValueError(f"{sorted(strangers)[0]!r} means nothing in a recipe")

"""Presets: named sets of sampling params. Three come with Retort, the user's own are kept in a JSON file."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from app.conversations.settings import ConversationSettings, SamplingValue
from app.translation import mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A name and what it sets; all else is the default."""

    name: str
    sampling: dict[str, SamplingValue] = field(default_factory=dict)
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    system_prompt: str = ""
    is_own: bool = True  # made by the user


BUILTIN_PRESETS = (
    Preset(name=mark("Balanced"), is_own=False),
    Preset(name=mark("Precise"), sampling={"temperature": 0.2, "top_p": 0.9, "top_k": 20}, is_own=False),
    Preset(name=mark("Creative"), sampling={"temperature": 1.1, "top_p": 0.98, "min_p": 0.03}, is_own=False),
)


class Presets:
    """The presets of one user. A file that cannot be read counts as empty and is kept beside the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = {preset.name: preset for preset in _read(path)}

    def all(self) -> tuple[Preset, ...]:
        """Those of Retort, then the user's own by name."""
        return (*BUILTIN_PRESETS, *(self._own[name] for name in sorted(self._own, key=str.casefold)))

    def find(self, name: str) -> Preset | None:
        """The preset of that name."""
        return next((preset for preset in self.all() if preset.name == name), None)

    def save(self, name: str, settings: ConversationSettings) -> Preset:
        """Keep what a conversation sets under a name; raises ValueError for one that cannot be given."""
        preset = Preset(
            name=self._checked(name),
            sampling=dict(settings.sampling),
            max_tokens=settings.max_tokens,
            stop=settings.stop,
            system_prompt=settings.system_prompt,
        )
        self._own[preset.name] = preset
        self._write()
        return preset

    def rename(self, name: str, new_name: str) -> Preset:
        """Give one of the user's own another name; raises ValueError where that is taken."""
        new_name = self._checked(new_name)
        if new_name in self._own and new_name != name:
            raise ValueError(new_name)
        preset = self._own.pop(name)
        self._own[new_name] = replace(preset, name=new_name)
        self._write()
        return self._own[new_name]

    def delete(self, name: str) -> None:
        """Forget one of the user's own."""
        self._own.pop(name, None)
        self._write()

    def _checked(self, name: str) -> str:
        name = " ".join(name.split())
        if not name or any(preset.name == name for preset in BUILTIN_PRESETS):
            raise ValueError(name)
        return name

    def _write(self) -> None:
        kept = [
            {key: value for key, value in asdict(one).items() if key != "is_own"}
            for one in self._own.values()
        ]
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        part.replace(self._path)


def _read(path: Path) -> Iterable[Preset]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        path.replace(path.with_suffix(".unreadable"))
        return []
    return (
        [_preset(one) for one in kept if isinstance(one, dict) and one.get("name")]
        if isinstance(kept, list)
        else []
    )


def _preset(values: dict[str, Any]) -> Preset:
    """A preset from JSON; what is of a wrong kind is left out, as in a conversation's settings."""
    settings = ConversationSettings.from_json(json.dumps(values))
    return Preset(
        name=str(values["name"]),
        sampling=settings.sampling,
        max_tokens=settings.max_tokens,
        stop=settings.stop,
        system_prompt=settings.system_prompt,
    )

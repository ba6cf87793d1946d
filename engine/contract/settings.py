"""What the engine is set to: one value per line of a table, from which pages and commands are made.

The host owns the settings and is the only one to write their file; everyone else reads them in
`SettingsListed` and changes them by `ChangeSettingRequest` and `ChangeLoadRequest`.
What only the window knows is not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from engine.contract.params import LoadParams

SettingValue = int | bool | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Every setting of the engine, each within the bounds of its line in `SETTINGS`."""

    keep_loaded_minutes: int = 15
    models_at_once: int = 2
    memory_reserve_mib: int = 512
    prefix_cache_mib: int = 4096
    model_folders: tuple[str, ...] = ()
    offline: bool = True
    download_limit_kib_s: int = 0
    load: Mapping[str, LoadParams] = field(default_factory=dict)  # by a model's name: how it is loaded

    def __post_init__(self) -> None:
        """Refuse values out of bounds, with the setting's name."""
        for setting in SETTINGS:
            setting.check(getattr(self, setting.name))

    def load_params(self, model: str, asked: LoadParams) -> LoadParams:
        """How to load a model: what the request leaves as it is by default, the model's own params say."""
        own = self.load.get(model)
        if own is None:
            return asked
        default = LoadParams()
        said = {
            param.name: value
            for param in fields(LoadParams)
            if (value := getattr(asked, param.name)) != getattr(default, param.name)
        }
        return replace(own, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the table: what a page or a command needs to show a setting and to change it."""

    name: str
    kind: Literal["count", "switch", "folders"]  # a whole number, yes or no, paths of folders
    label: str
    meaning: str  # one line
    unit: str = ""  # of a count
    least: int = 0  # of a count
    most: int = 0

    def check(self, value: object) -> None:
        """Raise ValueError where the value is not of this kind or out of bounds."""
        if self.kind == "count":
            is_count = isinstance(value, int) and not isinstance(value, bool)
            if not is_count or not self.least <= value <= self.most:  # type: ignore[operator]
                bounds = f"a whole number from {self.least} to {self.most}"
                raise ValueError(f"{self.name} must be {bounds}, got {value!r}")
        elif self.kind == "switch":
            if not isinstance(value, bool):
                raise ValueError(f"{self.name} must be true or false, got {value!r}")
        elif not isinstance(value, tuple) or not all(isinstance(item, str) and item for item in value):
            raise ValueError(f"{self.name} must be a list of folders, got {value!r}")

    def parse(self, text: str) -> SettingValue:
        """The value that a user writes; folders are separated by `;`. Raises ValueError."""
        value: SettingValue = text
        if self.kind == "count":
            value = int(text) if text.strip().lstrip("-").isdecimal() else text
        elif self.kind == "switch":
            value = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}.get(
                text.strip().lower(), text
            )
        else:
            value = tuple(part.strip() for part in text.split(";") if part.strip())
        self.check(value)
        return value

    def write(self, value: SettingValue) -> str:
        """The value as a user writes it; `parse` reads it back."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return "; ".join(value) if isinstance(value, tuple) else str(value)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="keep_loaded_minutes",
        kind="count",
        label="Keep a model in memory",
        meaning="A model that nobody asks anything gives its memory back after this time; 0 keeps it.",
        unit="minutes",
        most=7 * 24 * 60,
    ),
    Setting(
        name="models_at_once",
        kind="count",
        label="Models in memory at once",
        meaning="More than these make room for each other, as they do where memory runs out.",
        unit="models",
        least=1,
        most=64,
    ),
    Setting(
        name="memory_reserve_mib",
        kind="count",
        label="Memory left to other programs",
        meaning="A model is not loaded where less than this would be left free; 0 refuses none.",
        unit="MiB",
        most=2**20,
    ),
    Setting(
        name="prefix_cache_mib",
        kind="count",
        label="Disk for conversations' states",
        meaning="With these a long conversation is gone on with at once after a restart; 0 keeps none.",
        unit="MiB",
        most=2**24,
    ),
    Setting(
        name="model_folders",
        kind="folders",
        label="More folders of models",
        meaning="Models in these folders are offered too; nothing in them is changed.",
    ),
    Setting(
        name="offline",
        kind="switch",
        label="Offline",
        meaning="While this is on, nothing of Retort opens a connection to another computer.",
    ),
    Setting(
        name="download_limit_kib_s",
        kind="count",
        label="Speed limit of downloads",
        meaning="All downloads together take no more than this; 0 sets no limit.",
        unit="KiB/s",
        most=2**30,
    ),
)


def setting_named(name: str) -> Setting:
    """The table's line of this name; raises ValueError where there is none."""
    for setting in SETTINGS:
        if setting.name == name:
            return setting
    raise ValueError(f"there is no setting {name!r}; there are {', '.join(s.name for s in SETTINGS)}")

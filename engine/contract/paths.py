"""Where Retort keeps its files: one record, made once by each process and passed on."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "retort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The folders of one installation for one user."""

    data: Path
    config: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> "Paths":
        """The platform's own folders, or those below RETORT_HOME where that is set."""
        home = os.environ.get("RETORT_HOME")
        if home:
            root = Path(home).absolute()
            return cls(data=root / "data", config=root / "config", cache=root / "cache")
        return cls(
            data=Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)),
            config=Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)),
            cache=Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False)),
        )

    @property
    def conversations(self) -> Path:
        """The database of conversations."""
        return self.data / "conversations.sqlite3"

    @property
    def library_pointer(self) -> Path:
        """The file that names the library's folder where it was moved away from `data`."""
        return self.data / "library-folder"

    @property
    def library(self) -> Path:
        """The folder of models, bin and unfinished downloads; asked anew each time, for it may be moved."""
        try:
            folder = Path(self.library_pointer.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            return self.data
        return folder if folder.is_absolute() else self.data

    @property
    def models(self) -> Path:
        """The folder of downloaded and imported models."""
        return self.library / "models"

    @property
    def bin(self) -> Path:
        """The folder of removed models, on the same disk as the models."""
        return self.library / "bin"

    @property
    def records(self) -> Path:
        """The folder of what is kept about each imported model."""
        return self.data / "records"

    @property
    def partial(self) -> Path:
        """The folder of downloads that are not finished, on the same disk as the models."""
        return self.library / "partial"

    @property
    def network_log(self) -> Path:
        """The list of every request that went to the network."""
        return self.data / "network.jsonl"

    @property
    def measured_speeds(self) -> Path:
        """How fast each engine has answered with each model."""
        return self.data / "measured-speeds.json"

    @property
    def good_speeds(self) -> Path:
        """The decode speed that each model has reached."""
        return self.data / "good_speeds.json"

    @property
    def tuned(self) -> Path:
        """The fastest settings that were found for each model."""
        return self.data / "tuned.json"

    @property
    def packs(self) -> Path:
        """The folder of engine packs."""
        return self.data / "packs"

    @property
    def use_times(self) -> Path:
        """When each model was loaded last."""
        return self.data / "used.json"

    @property
    def quality(self) -> Path:
        """The folder of what was measured of each model."""
        return self.records / "quality"

    @property
    def fit(self) -> Path:
        """The file of what loads really took, by which predictions are corrected."""
        return self.data / "fit.json"

    @property
    def bandwidth(self) -> Path:
        """The file of this machine's memory speed."""
        return self.cache / "bandwidth.json"

    @property
    def jobs(self) -> Path:
        """The folder of what is kept about the workbench's jobs."""
        return self.data / "jobs"

    @property
    def job_files(self) -> Path:
        """Where running jobs have a folder each for files that they need for themselves."""
        return self.cache / "jobs"

    @property
    def sources(self) -> Path:
        """Where the set-up keeps llama.cpp's source package."""
        return self.cache / "sources"

    @property
    def prefix_cache(self) -> Path:
        """The folder of what workers keep of conversations, so that they need not be read again."""
        return self.cache / "prefix"

    @property
    def components(self) -> Path:
        """The folder of what is installed on demand."""
        return self.data / "components"

    @property
    def settings(self) -> Path:
        """The file of the engine's settings, which the host alone writes."""
        return self.config / "settings.json"

    @property
    def log(self) -> Path:
        """The folder of log files."""
        return self.data / "log"

    def ensure(self) -> None:
        """Make the folders, readable by this user alone."""
        for folder in (self.data, self.config, self.cache, self.log):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if sys.platform != "win32":
                folder.chmod(0o700)


def resources() -> Path:
    """The folder of files that ship with Retort: the built-in model, icons, fonts."""
    return Path(__file__).resolve().parents[2] / "resources"


def public_address(name: str) -> str:
    """An address by its name in resources/addresses.json, the only place that has any."""
    found: dict[str, str] = json.loads((resources() / "addresses.json").read_text(encoding="utf-8"))
    return found[name]


def builtin_model() -> Path:
    """The model file that ships with Retort, known everywhere as `builtin`."""
    return resources() / "builtin" / "retort-builtin.gguf"

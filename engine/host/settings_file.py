"""The file of the engine's settings: read by every host, written by whichever of them is asked to change one.

A value that does not fit is passed over and said, the file stays as it is. A file that is no JSON is set
aside and said. Names that this version does not know are kept for the version that does.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from engine.contract.errors import InvalidRequest, StorageFailed
from engine.contract.params import LoadParams
from engine.contract.settings import SETTINGS, EngineSettings, SettingValue, setting_named
from engine.library.atomic_file import write_atomically

LOCK_TIMEOUT_S = 10.0
_Stamp = tuple[int, int, int]  # file number, bytes, nanoseconds of the last change

log = logging.getLogger("retort.settings")


class SettingsFile:
    """The settings as they are on the disk. For one thread."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._stamp: _Stamp | None = None
        self.settings = EngineSettings()
        self.notice = ""  # what was wrong with the file, in words; empty where nothing was

    def refresh(self) -> bool:
        """Read the file where it has changed since; returns whether the settings are others now."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        before = self.settings
        self._take(self._read_raw())
        self._stamp = self._look()
        return self.settings != before

    def change(self, name: str, value: SettingValue | None) -> None:
        """Set one setting, None its default; raises InvalidRequest or StorageFailed."""
        try:
            setting = setting_named(name)
            if value is not None:
                setting.check(value)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        self._write(lambda raw: _set(raw, name, value))

    def change_load(self, model: str, load: LoadParams | None) -> None:
        """Set how a model is loaded, None forgets it; raises StorageFailed."""

        def change(raw: dict[str, Any]) -> None:
            models = raw.get("load")
            models = models if isinstance(models, dict) else {}
            _set(models, model, asdict(load) if load is not None else None)
            _set(raw, "load", models or None)

        self._write(change)

    def _write(self, change: Callable[[dict[str, Any]], None]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
                raw = self._read_raw()
                change(raw)
                write_atomically(self._path, msgspec.json.format(msgspec.json.encode(raw)))
                self._take(raw)
                self._stamp = self._look()
        except OSError as error:  # filelock's Timeout is one too
            raise StorageFailed(str(self._path), error.strerror or str(error)) from error

    def _look(self) -> _Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _read_raw(self) -> dict[str, Any]:
        self.notice = ""
        try:
            raw: dict[str, Any] = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Any])
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._say(f"the settings cannot be read ({error.strerror}); the defaults hold")
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            aside = self._set_aside()
            self._say(f"the settings were damaged and are kept as {aside.name}; the defaults hold")
            return {}
        return raw

    def _set_aside(self) -> Path:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        try:
            self._path.rename(aside)
        except OSError as error:  # another host was faster, or the folder is read-only
            log.warning("%s could not be set aside: %s", self._path, error)
        return aside

    def _take(self, raw: dict[str, Any]) -> None:
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if setting.name not in raw:
                continue
            value = raw[setting.name]
            value = tuple(value) if isinstance(value, list) else value
            try:
                setting.check(value)
                values[setting.name] = value
            except ValueError as error:
                self._say(f"{error}; its default holds")
        self.settings = EngineSettings(**values, load=self._load_of(raw.get("load", {})))

    def _load_of(self, raw: object) -> dict[str, LoadParams]:
        found: dict[str, LoadParams] = {}
        for model, params in raw.items() if isinstance(raw, dict) else ():
            try:
                found[model] = msgspec.convert(params, LoadParams)
            except msgspec.ValidationError as error:
                self._say(f"how {model} is loaded was not understood: {error}")
        return found

    def _say(self, notice: str) -> None:
        log.warning("%s: %s", self._path, notice)
        self.notice = "; ".join(filter(None, (self.notice, notice)))


def _set(values: dict[str, Any], name: str, value: object) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value

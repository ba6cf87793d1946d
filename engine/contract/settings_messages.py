"""The messages about what the engine is set to and what it holds in memory."""

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import WorkerStatus
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings, SettingValue


class SettingsRequest(MessageBase, tag="settings", frozen=True, kw_only=True):
    """What the engine is set to; answered by SettingsListed."""

    request_id: str


class ChangeSettingRequest(MessageBase, tag="change_setting", frozen=True, kw_only=True):
    """Set one line of `SETTINGS`, None sets its default; answered by SettingsListed or InvalidRequest."""

    request_id: str
    name: str
    value: SettingValue | None


class ChangeLoadRequest(MessageBase, tag="change_load", frozen=True, kw_only=True):
    """Set how one model is loaded from now on, None forgets it; answered by SettingsListed."""

    request_id: str
    model: str
    load: LoadParams | None


class StatusRequest(MessageBase, tag="status", frozen=True, kw_only=True):
    """Which models are in memory and what they take; answered by StatusListed."""

    request_id: str


class SettingsListed(EventBase, tag="settings_listed", frozen=True, kw_only=True):
    """What the engine is set to; request_id is empty where somebody else changed it."""

    settings: EngineSettings
    notice: str = ""  # what was wrong with their file, in words; empty where nothing was


class StatusListed(EventBase, tag="status_listed", frozen=True, kw_only=True):
    """What is in memory now."""

    workers: tuple[WorkerStatus, ...]
    available_bytes: int
    total_bytes: int


SettingsChange = SettingsRequest | ChangeSettingRequest | ChangeLoadRequest
SettingsEvent = SettingsListed | StatusListed

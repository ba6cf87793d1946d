"""The messages about reading models again to see whether they are what was put there."""

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import VerifiedModel


class VerifyRequest(MessageBase, tag="verify", frozen=True, kw_only=True):
    """Read a model's files, or with an empty name those of all recorded ones, and compare their hashes.

    Answered by VerifyProgress and ModelsVerified; a cancelled one ends with FinishedEvent.
    """

    request_id: str
    model: str = ""


class VerifyProgress(EventBase, tag="verify_progress", frozen=True, kw_only=True):
    """How much has been read."""

    fraction: float


class ModelsVerified(EventBase, tag="models_verified", frozen=True, kw_only=True):
    """What the files turned out to be."""

    models: tuple[VerifiedModel, ...]

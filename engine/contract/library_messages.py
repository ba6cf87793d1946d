"""The messages about the models on this computer: listing, importing, removing, reading again."""

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import InstalledModel, VerifiedModel
from engine.contract.provenance_messages import ProvenanceRequest, ProvenanceTold


class ModelsRequest(MessageBase, tag="models", frozen=True, kw_only=True):
    """Which models are there; answered by ModelsListed."""

    request_id: str


class ImportRequest(MessageBase, tag="import", frozen=True, kw_only=True):
    """Take a file or folder into the library; answered by ImportProgress while it is copied, ModelImported.

    By default the model stays where it lies; `copy` puts a copy into the models folder. A cancelled copy ends
    with FinishedEvent and leaves nothing.
    """

    request_id: str
    path: str
    copy: bool = False


class RemoveRequest(MessageBase, tag="remove", frozen=True, kw_only=True):
    """Take a model out of the library; answered by ModelRemoved.

    Files in the models folder go to the bin, from which they come back by a RestoreRequest, or are deleted
    for good; what was imported where it lies is only forgotten. Asking the user is up to whoever sends this.
    ModelInUse where the model is loaded.
    """

    request_id: str
    model: str
    for_good: bool = False


class ModelsListed(EventBase, tag="models_listed", frozen=True, kw_only=True):
    """Every model of the library by name; those that cannot be used now say why."""

    models: tuple[InstalledModel, ...]


class ImportProgress(EventBase, tag="import_progress", frozen=True, kw_only=True):
    """How much of a model has been copied."""

    fraction: float


class ModelImported(EventBase, tag="model_imported", frozen=True, kw_only=True):
    """The model is in the library."""

    model: InstalledModel


class ModelRemoved(EventBase, tag="model_removed", frozen=True, kw_only=True):
    """The model is no longer in the library."""

    model: str
    freed_bytes: int  # 0 where it was only forgotten or lies in the bin
    entry: str = ""  # of the bin; empty where it was removed for good


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


LibraryRequest = ModelsRequest | ImportRequest | RemoveRequest | VerifyRequest | ProvenanceRequest
LibraryEvent = (
    ModelsListed
    | ImportProgress
    | ModelImported
    | ModelRemoved
    | VerifyProgress
    | ModelsVerified
    | ProvenanceTold
)

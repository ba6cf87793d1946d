"""The messages about the workbench besides the jobs themselves: maps of models, quality cards, the queue."""

import msgspec

from engine.contract.jobs import QualityCard
from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import ModelFormat


class TensorGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The tensors of a model that do the same in every layer and have the same type."""

    part: str  # of the model: "routed experts", "router", "norm" …
    kind: str  # the tensors' name without the number of the layer: "ffn_down_exps"
    type: str
    num_tensors: int
    parameters: int
    size_bytes: int


class TensorMapRequest(MessageBase, tag="tensor_map", frozen=True, kw_only=True):
    """What a model consists of, read from its header; answered by TensorMapListed."""

    request_id: str
    model: str  # `builtin`, a name of the library, or a path


class QualityCardsRequest(MessageBase, tag="quality_cards", frozen=True, kw_only=True):
    """What was measured of all models; answered by QualityCardsListed."""

    request_id: str


class MoveJobRequest(MessageBase, tag="move_job", frozen=True, kw_only=True):
    """Let a waiting job go so many places up the queue (negative: down); answered by JobsListed."""

    request_id: str
    job_id: str
    places: int


class ForgetJobsRequest(MessageBase, tag="forget_jobs", frozen=True, kw_only=True):
    """Forget this job if it is over, or with an empty id all that are; answered by JobsListed."""

    request_id: str
    job_id: str = ""


class TensorMapListed(EventBase, tag="tensor_map_listed", frozen=True, kw_only=True):
    """A model's groups of tensors, in the order in which people read a model."""

    model: str  # its path
    format: ModelFormat
    architecture: str
    size_bytes: int  # of all files
    parameters: int
    groups: tuple[TensorGroup, ...]


class QualityCardsListed(EventBase, tag="quality_cards_listed", frozen=True, kw_only=True):
    """The cards of every model whose file is as it was measured, the oldest first."""

    cards: tuple[QualityCard, ...]


WorkbenchRequest = TensorMapRequest | QualityCardsRequest | MoveJobRequest | ForgetJobsRequest
WorkbenchEvent = TensorMapListed | QualityCardsListed

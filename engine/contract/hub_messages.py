"""The messages about models on a hub: searching, listing, fetching. The gateway alone answers them.

`online` allows the network for one request where the setting `offline` is on.
"""

from typing import Literal

import msgspec

from engine.contract.component_messages import FetchWheelsRequest, WheelsFetched
from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import Capability, CompanionKind, InstalledModel, ModelInfo
from engine.contract.model_shape import ModelShape
from engine.contract.pack_messages import FetchPackRequest
from engine.contract.remote_header import RemoteHeader
from engine.contract.update_messages import UpdateRequest, UpdateTold

HubGroupKind = Literal["gguf", "checkpoint"] | CompanionKind
TransferPhase = Literal["checking", "fetching", "waiting", "paused", "verifying", "installing"]
SearchOrder = Literal["downloads", "likes", "trending", "updated", "created"]
HubFormat = Literal["gguf", "safetensors"]


class SearchRequest(MessageBase, tag="search", frozen=True, kw_only=True):
    """Look for models on the hub; answered by HubModelsFound."""

    request_id: str
    words: str
    limit: int = 20
    order: SearchOrder = "downloads"
    format: HubFormat = "gguf"
    online: bool = False


class HubFilesRequest(MessageBase, tag="hub_files", frozen=True, kw_only=True):
    """What a repository holds that can be run here; answered by HubFilesListed."""

    request_id: str
    repository: str  # publisher/name
    revision: str = ""  # a branch, tag or commit; empty is the main one
    online: bool = False


class PullRequest(MessageBase, tag="pull", frozen=True, kw_only=True):
    """Fetch one model into the library; answered by TransferProgress and ModelPulled.

    A repository with several needs `file` to tell which. What had arrived of a pull that failed or whose
    process ended is used by the next one; a CancelRequest deletes it and ends in FinishedEvent.
    """

    request_id: str
    repository: str
    file: str = ""  # a file's name, or a quantization that only one of the models has
    companions: tuple[str, ...] = ()  # to fetch with it: their names, or "projector", "drafter", "adapter"
    revision: str = ""
    online: bool = False
    limit_bytes_per_s: int = 0  # for all transfers together, set by the host; 0 is none


class RemoteHeaderRequest(MessageBase, tag="remote_header", frozen=True, kw_only=True):
    """Read the header of a model on the hub, and not its weights; answered by RemoteHeaderRead.

    `file` and `revision` as in PullRequest. No more than 64 MiB of a file are ever read, and nothing is kept.
    """

    request_id: str
    repository: str
    file: str = ""
    revision: str = ""
    online: bool = False


class ModelCardRequest(MessageBase, tag="model_card", frozen=True, kw_only=True):
    """Read what a repository says of itself; answered by ModelCardRead."""

    request_id: str
    repository: str
    revision: str = ""
    online: bool = False


class PauseRequest(MessageBase, tag="pause", frozen=True, kw_only=True):
    """Let the named pull rest, or go on; it is told by the phase of its TransferProgress."""

    request_id: str
    is_paused: bool = True


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as a search finds it."""

    repository: str
    author: str = ""
    license: str = ""
    downloads: int = 0  # of the last month
    likes: int = 0
    updated: str = ""  # ISO 8601; empty where unknown
    created: str = ""
    is_gated: bool = False  # its terms have to be agreed to on the hub first
    formats: tuple[HubFormat, ...] = ()
    architecture: str = ""  # as the hub read it from the files; empty where it did not
    parameters: int = 0  # 0 where unknown, as for the two below
    active_parameters: int = 0  # as the repository's name says ("30B-A3B"): the hub does not know it
    context_length: int = 0
    quantizations: tuple[str, ...] = ()  # as the names of its files say
    base_models: tuple[str, ...] = ()  # repositories that it is said to be made from


class HubGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The files that make up one model of a repository."""

    name: str  # what `PullRequest.file` takes
    kind: HubGroupKind
    quantization: str  # as the name says it; empty where it says none
    files: tuple[str, ...]  # paths in the repository
    size_bytes: int
    num_missing: int = 0  # parts that its names speak of and the repository lacks


class HubModelsFound(EventBase, tag="hub_models_found", frozen=True, kw_only=True):
    """The hub's matches, in the order that was asked for."""

    models: tuple[HubModel, ...]


class HubFilesListed(EventBase, tag="hub_files_listed", frozen=True, kw_only=True):
    """What a repository holds at one commit, smallest first."""

    repository: str
    commit: str
    author: str
    license: str
    groups: tuple[HubGroup, ...]
    is_gated: bool = False
    has_card: bool = False
    has_pickles: bool = False  # weights that are never fetched, because opening them runs code
    base_models: tuple[str, ...] = ()


class RemoteHeaderRead(EventBase, tag="remote_header_read", frozen=True, kw_only=True):
    """The facts of a model that is not here, as its files' headers tell them."""

    repository: str
    commit: str
    group: HubGroup
    info: ModelInfo  # its path is that of the first file in the repository
    active_parameters: int  # 0 where unknown
    capabilities: tuple[Capability, ...]
    header: RemoteHeader
    shape: ModelShape  # for a FitRequest
    fetched_bytes: int


class ModelCardRead(EventBase, tag="model_card_read", frozen=True, kw_only=True):
    """A repository's README: Markdown by whoever published it, never to be trusted."""

    repository: str
    commit: str
    text: str  # without the block of YAML at its beginning; empty where it has no card
    is_cut: bool = False  # it goes on, and that was not read


class TransferProgress(EventBase, tag="transfer_progress", frozen=True, kw_only=True):
    """How far a pull is, over all of its files."""

    phase: TransferPhase
    done_bytes: int  # on the disk and checked
    total_bytes: int
    bytes_per_s: float = 0.0  # of the last seconds
    remaining_s: float | None = None  # None while nothing arrives
    notice: str = ""  # why it waits


class ModelPulled(EventBase, tag="model_pulled", frozen=True, kw_only=True):
    """The model is in the library, and every file has the hash that the hub announced."""

    model: InstalledModel
    fetched_bytes: int  # over the network by this request; 0 where it was there already
    companions: tuple[HubGroup, ...] = ()  # that the repository has for it and that are not here


HubQuestion = (
    SearchRequest
    | HubFilesRequest
    | RemoteHeaderRequest
    | ModelCardRequest
    | PullRequest
    | FetchWheelsRequest
    | UpdateRequest
    | FetchPackRequest
)
HubRequest = HubQuestion | PauseRequest
HubEvent = (
    HubModelsFound
    | HubFilesListed
    | RemoteHeaderRead
    | ModelCardRead
    | TransferProgress
    | ModelPulled
    | WheelsFetched
    | UpdateTold
)

"""The messages about models on a hub: searching, listing, fetching. The gateway alone answers them.

`online` allows the network for one request where the setting `offline` is on.
"""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import InstalledModel

HubGroupKind = Literal["gguf", "checkpoint", "projector"]
TransferPhase = Literal["checking", "fetching", "waiting", "paused", "verifying"]


class SearchRequest(MessageBase, tag="search", frozen=True, kw_only=True):
    """Look for models on the hub; answered by HubModelsFound."""

    request_id: str
    words: str
    limit: int = 20
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
    revision: str = ""
    online: bool = False
    limit_bytes_per_s: int = 0  # for all transfers together, set by the host; 0 is none


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
    is_gated: bool = False  # its terms have to be agreed to on the hub first


class HubGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The files that make up one model of a repository."""

    name: str  # what `PullRequest.file` takes
    kind: HubGroupKind
    quantization: str  # as the name says it; empty where it says none
    files: tuple[str, ...]  # paths in the repository
    size_bytes: int


class HubModelsFound(EventBase, tag="hub_models_found", frozen=True, kw_only=True):
    """The hub's best matches, most downloaded first."""

    models: tuple[HubModel, ...]


class HubFilesListed(EventBase, tag="hub_files_listed", frozen=True, kw_only=True):
    """What a repository holds at one commit, smallest first."""

    repository: str
    commit: str
    author: str
    license: str
    groups: tuple[HubGroup, ...]


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


HubQuestion = SearchRequest | HubFilesRequest | PullRequest
HubRequest = HubQuestion | PauseRequest
HubEvent = HubModelsFound | HubFilesListed | TransferProgress | ModelPulled

"""The messages about what ships with Retort and what it wrote down: the catalogue, and the list of requests.

Neither needs the network.
"""

from collections.abc import Mapping

import msgspec

from engine.contract.message_base import EventBase, MessageBase


class CatalogueModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the catalogue: one file on the hub. What was not established is None."""

    id: str
    name: str
    family: str
    repository: str  # publisher/name
    file: str  # in the repository; the first of its parts
    quantization: str
    license: str
    architecture: str  # as GGUF files name it
    parameters: int  # as the publisher says, rounded
    active_parameters: int  # that one token uses; the same as `parameters` in a dense model
    context_length: int  # tokens
    good_for: Mapping[str, str]  # one sentence for each language of the window
    size_bytes: int | None = None
    commit: str | None = None
    sha256: str | None = None
    mtp: bool | None = None  # whether the file has an MTP head
    distilled_from: str | None = None


class NetworkEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One request that went to the network."""

    id: str
    time: float  # seconds since 1970 when it began
    method: str
    host: str
    purpose: str
    status: int = 0  # of HTTP; 0 where there was no answer
    received_bytes: int = 0  # of the answer's body
    has_ended: bool = False


class CatalogueRequest(MessageBase, tag="catalogue", frozen=True, kw_only=True):
    """The models that Retort recommends; answered by CatalogueListed."""

    request_id: str


class CatalogueListed(EventBase, tag="catalogue_listed", frozen=True, kw_only=True):
    """The catalogue in its own order."""

    models: tuple[CatalogueModel, ...]
    checked: str  # the day on which its facts were looked up, ISO 8601


class NetworkLogRequest(MessageBase, tag="network_log", frozen=True, kw_only=True):
    """What went to the network; answered by NetworkLogListed."""

    request_id: str


class NetworkLogListed(EventBase, tag="network_log_listed", frozen=True, kw_only=True):
    """The newest requests, oldest first."""

    entries: tuple[NetworkEntry, ...]


CatalogueQuestion = CatalogueRequest | NetworkLogRequest
CatalogueEvent = CatalogueListed | NetworkLogListed

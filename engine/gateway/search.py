"""Searching the hub, and what its answer tells of each repository; its numbers and names are not trusted."""

import re
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.hf_api import ModelInfo

from engine.contract.hub_messages import HubFormat, HubModel, SearchOrder, SearchRequest
from engine.gateway.control import Control
from engine.gateway.hub import Hub, base_models_of, license_of
from engine.gateway.repository import quantization_of

MAX_QUANTIZATIONS = 64
_FIELDS: Any = [
    *("author", "config", "createdAt", "downloads", "gated", "gguf", "lastModified", "likes"),
    *("safetensors", "siblings", "tags"),
]
_SORTS: dict[SearchOrder, Any] = {
    "downloads": "downloads",
    "likes": "likes",
    "trending": "trending_score",
    "updated": "last_modified",
    "created": "created_at",
}
_ACTIVE = re.compile(r"(?<![A-Za-z0-9])A(\d{1,4}(?:\.\d{1,2})?)B(?![A-Za-z0-9])", re.IGNORECASE)
_MAX_COUNT = 10**15  # parameters, tokens: more than this is no count


def search(hub: Hub, request: SearchRequest, control: Control) -> tuple[HubModel, ...]:
    """The repositories that fit a request, in its order; raises NetworkError."""

    def ask(api: HfApi) -> tuple[HubModel, ...]:
        found = api.list_models(
            search=request.words or None,
            filter=request.format,
            sort=_SORTS[request.order],
            limit=request.limit,
            expand=_FIELDS,
        )
        return tuple(_hub_model(info) for info in islice(found, request.limit))

    words = request.words
    return hub.ask(f"match for {words!r}", ask, control, purpose=f"searching for {words[:60]!r}")


def _hub_model(info: ModelInfo) -> HubModel:
    repository = str(info.id)[:250]
    gguf = info.gguf if isinstance(info.gguf, dict) else {}
    config = info.config if isinstance(info.config, dict) else {}
    tensors = info.safetensors
    names = [str(file.rfilename) for file in info.siblings or ()]
    return HubModel(
        repository=repository,
        author=str(info.author or "")[:120],
        license=license_of(info),
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        updated=_moment(info.last_modified),
        created=_moment(info.created_at),
        is_gated=bool(info.gated),
        formats=_formats(names, info.tags or []),
        architecture=str(gguf.get("architecture") or config.get("model_type") or "")[:60],
        parameters=_count(gguf.get("total")) or _count(tensors.total if tensors else 0),
        active_parameters=active_in_name(repository),
        context_length=_count(gguf.get("context_length")),
        quantizations=_quantizations(names),
        base_models=base_models_of(info),
    )


def active_in_name(repository: str) -> int:
    """The parameters that a token uses, where a repository's name says so, as in "30B-A3B"; else 0."""
    match = _ACTIVE.search(repository.partition("/")[2])
    return int(float(match[1]) * 10**9) if match else 0


def _formats(names: list[str], tags: list[str]) -> tuple[HubFormat, ...]:
    known: tuple[HubFormat, ...] = ("gguf", "safetensors")
    return tuple(
        kind for kind in known if kind in tags or any(name.lower().endswith(f".{kind}") for name in names)
    )


def _quantizations(names: list[str]) -> tuple[str, ...]:
    paths = (PurePosixPath(name) for name in names if name.lower().endswith(".gguf"))
    stems = (str(path.with_suffix("")) for path in paths if not path.name.lower().startswith("mmproj"))
    found = dict.fromkeys(quantization_of(stem) for stem in stems)
    return tuple(sorted(name for name in found if name))[:MAX_QUANTIZATIONS]


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MAX_COUNT else 0


def _moment(value: datetime | None) -> str:
    return value.isoformat() if value else ""

"""A model that could be fetched, as lists and pages show it: one of the catalogue, or a repository found."""

import re
from dataclasses import dataclass

from app.engine_link.download import Wanted
from app.model_room import estimated_size
from engine.contract.catalogue_messages import CatalogueModel
from engine.contract.hub_messages import HubModel

_QUANTIZED_NAME = re.compile(r"[-_.]?gguf$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """What is not known is empty or 0; `mtp` is None then."""

    key: str
    title: str
    repository: str
    file: str = ""  # of the catalogue; empty for a repository, which may hold many
    commit: str = ""
    sha256: str = ""
    quantizations: tuple[str, ...] = ()
    size_bytes: int = 0
    is_size_estimated: bool = False
    license: str = ""
    architecture: str = ""
    parameters: int = 0
    active_parameters: int = 0
    context_length: int = 0
    mtp: bool | None = None
    distilled_from: str = ""
    good_for: str = ""
    downloads: int = 0
    likes: int = 0
    updated: str = ""  # ISO 8601
    is_gated: bool = False
    is_of_catalogue: bool = False

    @property
    def has_experts(self) -> bool:
        """Whether only a part of it works on each token, as far as known."""
        return 0 < self.active_parameters < self.parameters

    @property
    def wanted(self) -> Wanted:
        """The download of the catalogue's file."""
        size = 0 if self.is_size_estimated else self.size_bytes
        title = " ".join((self.title, *self.quantizations[:1]))
        return Wanted(
            repository=self.repository, file=self.file, title=title, revision=self.commit, size_bytes=size
        )


def from_catalogue(model: CatalogueModel, language: str) -> FoundModel:
    """A model of the catalogue."""
    return FoundModel(
        key=f"catalogue:{model.id}",
        title=model.name,
        repository=model.repository,
        file=model.file,
        commit=model.commit or "",
        sha256=model.sha256 or "",
        quantizations=(model.quantization,),
        size_bytes=model.size_bytes or estimated_size(model.parameters),
        is_size_estimated=model.size_bytes is None,
        license=model.license,
        architecture=model.architecture,
        parameters=model.parameters,
        active_parameters=model.active_parameters,
        context_length=model.context_length,
        mtp=model.mtp,
        distilled_from=model.distilled_from or "",
        good_for=model.good_for.get(language, model.good_for.get("en", "")),
        is_of_catalogue=True,
    )


def from_hub(model: HubModel) -> FoundModel:
    """A repository that a search found; its size is that of the four-bit file that it probably has."""
    return FoundModel(
        key=f"hub:{model.repository}",
        title=_QUANTIZED_NAME.sub("", model.repository.partition("/")[2]),
        repository=model.repository,
        quantizations=model.quantizations,
        size_bytes=estimated_size(model.parameters),
        is_size_estimated=True,
        license=model.license,
        architecture=model.architecture,
        parameters=model.parameters,
        active_parameters=model.active_parameters or model.parameters,
        context_length=model.context_length,
        distilled_from=_distilled_from(model),
        downloads=model.downloads,
        likes=model.likes,
        updated=model.updated,
        is_gated=model.is_gated,
    )


def _distilled_from(model: HubModel) -> str:
    """What a name says of a teacher: nobody else says it."""
    match = re.search(r"([\w.]+(?:-[\w.]+)*?)-Distill", model.repository.partition("/")[2], re.IGNORECASE)
    return match[1] if match else ""

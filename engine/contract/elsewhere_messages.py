"""The messages about models that other applications keep here, and taking them in where they lie."""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.model_info import InstalledModel, ModelFormat

OtherApplication = Literal["lm-studio", "ollama", "jan", "gpt4all", "llama.cpp", "hugging-face"]


class ElsewhereRequest(MessageBase, tag="elsewhere", frozen=True, kw_only=True):
    """Which models other applications keep here; answered by ElsewhereFound. Only names are read."""

    request_id: str


class AdoptRequest(MessageBase, tag="adopt", frozen=True, kw_only=True):
    """Take such models into the library by reference; answered by ModelsAdopted. No file changes."""

    request_id: str
    paths: tuple[str, ...]  # as ElsewhereModel has them; others are passed over


class ElsewhereModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that another application keeps."""

    application: OtherApplication
    name: str  # what it would be called here
    path: str  # the file, the first of its parts, or the folder
    format: ModelFormat
    size_bytes: int
    source: str = ""  # the repository it comes from, where its place says so
    commit: str = ""  # of that repository
    is_here: bool = False  # it is in the library already


class AdoptionProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was not taken in."""

    path: str
    reason: str


class ElsewhereFound(EventBase, tag="elsewhere_found", frozen=True, kw_only=True):
    """The models of other applications, by application and name."""

    models: tuple[ElsewhereModel, ...]


class ModelsAdopted(EventBase, tag="models_adopted", frozen=True, kw_only=True):
    """What was taken in, and what was not."""

    models: tuple[InstalledModel, ...]
    problems: tuple[AdoptionProblem, ...] = ()


ElsewhereQuestion = ElsewhereRequest | AdoptRequest
ElsewhereEvent = ElsewhereFound | ModelsAdopted

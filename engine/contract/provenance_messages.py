"""The messages about where a model comes from: its origin, its hashes, and its chat template."""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase

TemplateConcern = Literal[
    "dunder",  # names with two underscores, which lead out of a sandbox
    "attribute_by_name",  # |attr and the like: what is looked up cannot be read in the source
    "include",  # parts that are not in the file
    "large_loop",  # counts that only cost time
    "address",  # a web address in the text that the model is given
    "hidden_characters",  # that nobody sees: zero width, right to left, tags
    "very_long",
    "broken",  # it does not parse
]
ProvenanceWarning = Literal[
    "author_changed",  # another author than of what was fetched from this repository before
    "license_unknown",
    "hash_unknown",  # nobody told what the files' hashes should be
    "damaged",
    "template_differs",  # from that of the base model, which is here too
    "template_suspicious",
]


class TemplateLook(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a chat template found; it was read, not run."""

    size_bytes: int
    sha256: str
    concerns: tuple[tuple[TemplateConcern, str], ...] = ()  # each with the place that shows it
    compared_with: str = ""  # a model of the same base that is here; empty where there is none
    changed_lines: tuple[str, ...] = ()  # as `diff` writes them, the first ones


class HashedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a model."""

    name: str
    size_bytes: int
    sha256: str = ""  # empty where it was never computed


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model's origin. Empty is unknown; nothing is guessed."""

    source: str = ""  # where it was fetched: "hf.co/publisher/repository"
    commit: str = ""
    author: str = ""
    license: str = ""
    added_at: float = 0.0  # seconds since 1970
    verified_at: float = 0.0
    files: tuple[HashedFile, ...] = ()
    claims: tuple[tuple[str, str], ...] = ()  # what its own metadata say: name and value
    base_models: tuple[str, ...] = ()
    quantized_by: str = ""
    importance_text: str = ""  # what the importance matrix was made from
    importance_chunks: int = 0
    distilled_from: tuple[str, ...] = ()  # teachers and data sets, as far as the metadata name them
    template: TemplateLook | None = None  # None where it has no chat template
    warnings: tuple[tuple[ProvenanceWarning, str], ...] = ()


class ProvenanceRequest(MessageBase, tag="provenance", frozen=True, kw_only=True):
    """Ask where a model of this computer comes from; answered by ProvenanceTold."""

    request_id: str
    model: str


class ProvenanceTold(EventBase, tag="provenance_told", frozen=True, kw_only=True):
    """What is known of it."""

    model: str
    provenance: Provenance

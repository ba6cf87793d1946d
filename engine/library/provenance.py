"""Where a model comes from, as far as its record, its metadata and its card tell.

Nothing is guessed: what nobody says stays empty. Texts of files are untrusted: they are cut and shown, never
followed. Metadata keys: ggml's docs/gguf.md; a card's are those of the Hugging Face hub.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from engine.contract.errors import EngineError
from engine.contract.provenance_messages import (
    HashedFile,
    Provenance,
    ProvenanceWarning,
    TemplateLook,
)
from engine.library.card import CardFacts, read_card
from engine.library.checkpoint import chat_template, read_checkpoint
from engine.library.gguf import ArrayValue, GgufHeader, read_header
from engine.library.places import ModelPlace
from engine.library.template_look import changed_lines, look_at_template

MAX_TEXT = 300  # characters of what a file says of itself
MAX_BASES = 16
_CLAIMS = (
    "name",
    "author",
    "organization",
    "description",
    "finetune",
    "basename",
    "size_label",
    "version",
    "license",
    "license.name",
    "license.link",
    "quantized_by",
    "url",
    "repo_url",
    "source.url",
    "source.repo_url",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a model's files say of it."""

    claims: dict[str, str]
    base_models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    importance_text: str = ""
    importance_chunks: int = 0
    template: str = ""


def provenance_of(place: ModelPlace, others: Sequence[ModelPlace] = ()) -> Provenance:
    """What is known of a model; among `others` its template is compared with that of a model it is made from.

    Raises ModelError where its files cannot be read.
    """
    said = _said_by(place)
    card = read_card((place.path if place.path.is_dir() else place.path.parent) / "README.md")
    record = place.record
    bases = tuple(dict.fromkeys((*said.base_models, *card.base_models)))[:MAX_BASES]
    look = look_at_template(said.template) if said.template else None
    if look is not None:
        look = _compared(look, said.template, place, bases, others)
    found = Provenance(
        source=record.source if record else "",
        commit=record.commit if record else "",
        author=(record.author if record else "") or said.claims.get("author", ""),
        license=(record.license if record else "") or said.claims.get("license", "") or card.license,
        added_at=record.added_at if record else 0.0,
        verified_at=record.verified_at if record else 0.0,
        files=_files(place),
        claims=tuple(said.claims.items()),
        base_models=bases,
        quantized_by=said.claims.get("quantized_by", ""),
        importance_text=said.importance_text,
        importance_chunks=said.importance_chunks,
        distilled_from=_teachers(said, card),
        template=look,
    )
    return _with_warnings(found, place)


def _said_by(place: ModelPlace) -> _Said:
    if place.path.is_dir():
        config = read_checkpoint(place.path).config
        claims = {"architecture": str(config.get("model_type", ""))[:MAX_TEXT]}
        if origin := config.get("_name_or_path"):
            claims["made from"] = str(origin)[:MAX_TEXT]
        return _Said(claims=claims, template=chat_template(place.path))
    header = read_header(place.path)
    claims = {key: text[:MAX_TEXT] for key in _CLAIMS if (text := header.text(f"general.{key}"))}
    return _Said(
        claims=claims,
        base_models=_listed(header, "general.base_model"),
        datasets=_listed(header, "general.dataset") + _texts(header, "general.datasets"),
        importance_text=header.text("quantize.imatrix.dataset")[:MAX_TEXT]
        or header.text("quantize.imatrix.file")[:MAX_TEXT],
        importance_chunks=header.number("quantize.imatrix.chunks_count"),
        template=header.text("tokenizer.chat_template"),
    )


def _listed(header: GgufHeader, prefix: str) -> tuple[str, ...]:
    """Models or data sets that metadata number through: a repository where one is named, else a name."""
    found: list[str] = []
    for index in range(min(header.number(f"{prefix}.count"), MAX_BASES)):
        said = {key: header.text(f"{prefix}.{index}.{key}") for key in ("repo_url", "organization", "name")}
        repository = "/".join(said["repo_url"].rstrip("/").split("/")[-2:])
        named = "/".join(part for part in (said["organization"], said["name"]) if part)
        if text := (repository or named)[:MAX_TEXT]:
            found.append(text)
    return tuple(found)


def _texts(header: GgufHeader, key: str) -> tuple[str, ...]:
    value = header.metadata.get(key)
    values = value.values if isinstance(value, ArrayValue) else ()
    return tuple(str(one)[:MAX_TEXT] for one in values if isinstance(one, str))[:MAX_BASES]


def _teachers(said: _Said, card: CardFacts) -> tuple[str, ...]:
    """What it was distilled from or tuned on; bases and data sets, where it calls itself distilled."""
    words = " ".join((*said.claims.values(), *card.tags, card.relation)).lower()
    if "distil" not in words:
        return ()
    return tuple(dict.fromkeys((*said.base_models, *card.base_models, *said.datasets, *card.datasets)))


def _files(place: ModelPlace) -> tuple[HashedFile, ...]:
    if place.record is None:
        return ()
    return tuple(
        HashedFile(name=Path(file.path).name, size_bytes=file.size_bytes, sha256=file.sha256)
        for file in place.record.files
    )


def _compared(
    look: TemplateLook,
    template: str,
    place: ModelPlace,
    bases: Sequence[str],
    others: Sequence[ModelPlace],
) -> TemplateLook:
    """The same beside the first model that it is said to be made from, where that one is here."""
    wanted = {base.lower() for base in bases}
    for other in others:
        source = other.record.source if other.record is not None else ""
        repository = "/".join(source.split("/")[-2:]).lower()
        if other.path == place.path or repository not in wanted:
            continue
        try:
            before = _said_by(other).template
        except EngineError:  # the base's own files are in a bad way
            continue
        if before:
            changed = changed_lines(before, template)
            return TemplateLook(
                size_bytes=look.size_bytes,
                sha256=look.sha256,
                concerns=look.concerns,
                compared_with=other.name,
                changed_lines=changed,
            )
    return look


def _with_warnings(found: Provenance, place: ModelPlace) -> Provenance:
    warnings: list[tuple[ProvenanceWarning, str]] = []
    record = place.record
    if record is not None and record.former_author and record.former_author != record.author:
        warnings.append(("author_changed", f"{record.former_author}, {record.author}"))
    if record is not None and record.is_damaged:
        warnings.append(("damaged", place.name))
    if not found.license:
        warnings.append(("license_unknown", ""))
    if place.origin != "builtin" and not (found.files and all(file.sha256 for file in found.files)):
        warnings.append(("hash_unknown", ""))
    if found.template is not None and found.template.concerns:
        kinds = dict.fromkeys(concern for concern, _ in found.template.concerns)
        warnings.append(("template_suspicious", ", ".join(kinds)))
    if found.template is not None and found.template.changed_lines:
        warnings.append(("template_differs", found.template.compared_with))
    return structs.replace(found, warnings=tuple(warnings))

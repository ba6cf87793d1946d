"""Where a model comes from, in words: facts, warnings, and what stands out in its chat template."""

from datetime import datetime

from app.translation import format_bytes, mark, tr, tr_count
from engine.contract.provenance_messages import Provenance, ProvenanceWarning, TemplateConcern

WARNINGS: dict[ProvenanceWarning, str] = {
    "author_changed": mark("The author of its repository has changed: {detail}."),
    "license_unknown": mark("Nobody says under which licence it is."),
    "hash_unknown": mark("Nobody told the hashes that its files should have."),
    "damaged": mark("Its files are not what they were: {detail}."),
    "template_differs": mark("Its chat template differs from that of {detail}, which it is made from."),
    "template_suspicious": mark("Its chat template holds what such templates do not need."),
}
CONCERNS: dict[TemplateConcern, str] = {
    "dunder": mark("Names that lead out of a sandbox"),
    "attribute_by_name": mark("Attributes looked up by name"),
    "include": mark("Parts from other files"),
    "large_loop": mark("Counts that only cost time"),
    "address": mark("Web addresses"),
    "hidden_characters": mark("Characters that nobody sees"),
    "very_long": mark("It is very long"),
    "broken": mark("It cannot be read"),
}
CLAIM_NAMES = {
    "name": mark("Calls itself"),
    "organization": mark("Organization"),
    "description": mark("Description"),
    "finetune": mark("Tuned as"),
    "basename": mark("Family"),
    "version": mark("Version"),
    "repo_url": mark("Its own page"),
    "url": mark("Its own page"),
}


def warning_words(provenance: Provenance) -> list[str]:
    """What should be known before it is trusted."""
    words = ((WARNINGS[kind], detail) for kind, detail in provenance.warnings)
    return [tr(text, detail=detail) if "{detail}" in text else tr(text) for text, detail in words]


def facts(provenance: Provenance) -> list[tuple[str, str]]:
    """Names and values; those that are unknown are empty."""
    claims = dict(provenance.claims)
    hashes = [file.sha256 for file in provenance.files if file.sha256]
    return [
        (tr("Fetched from"), provenance.source),
        (tr("Commit"), provenance.commit),
        (tr("Author"), provenance.author),
        (tr("Licence"), provenance.license),
        (tr("Made from"), ", ".join(provenance.base_models)),
        (tr("Distilled from"), ", ".join(provenance.distilled_from)),
        (tr("Quantized by"), provenance.quantized_by),
        (tr("Importance matrix"), _importance(provenance)),
        *((tr(name), claims.get(claim, "")) for claim, name in CLAIM_NAMES.items()),
        (tr("Hash of the file") if len(hashes) == 1 else tr("Hashes of the files"), ", ".join(hashes)),
        (tr("Hashes compared"), _day(provenance.verified_at)),
        (tr("Chat template"), _template(provenance)),
    ]


def template_words(provenance: Provenance) -> list[str]:
    """What stands out in the chat template, with the places that show it."""
    look = provenance.template
    if look is None:
        return []
    found = [f"{tr(CONCERNS[concern])}: {place}" for concern, place in look.concerns]
    return [_printable(line) for line in (*found, *look.changed_lines)]


def _template(provenance: Provenance) -> str:
    look = provenance.template
    if look is None:
        return tr("none")
    words = [format_bytes(look.size_bytes)]
    if not look.concerns:
        words.append(tr("nothing unusual in it"))
    if look.compared_with:
        count = len(look.changed_lines)
        words.append(
            tr_count(
                count,
                "{count} line differs from {model}",
                "{count} lines differ from {model}",
                model=look.compared_with,
            )
            if count
            else tr("the same as that of {model}", model=look.compared_with)
        )
    return ", ".join(words)


def _importance(provenance: Provenance) -> str:
    if not provenance.importance_chunks:
        return provenance.importance_text
    return tr_count(
        provenance.importance_chunks,
        "{text}, {count} chunk",
        "{text}, {count} chunks",
        text=provenance.importance_text,
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M") if seconds else ""

"""Where a model comes from, in lines for the terminal."""

import time
from collections.abc import Iterator

from engine.contract.provenance_messages import Provenance, ProvenanceWarning, TemplateConcern

_WARNINGS: dict[ProvenanceWarning, str] = {
    "author_changed": "the author of its source is another one than before",
    "license_unknown": "nobody says under which licence it is",
    "hash_unknown": "nobody told the hashes that its files should have",
    "damaged": "its files are not what they were",
    "template_differs": "its chat template is not that of the model it is made from",
    "template_suspicious": "its chat template holds what such templates do not need",
}
_CONCERNS: dict[TemplateConcern, str] = {
    "dunder": "names that lead out of a sandbox",
    "attribute_by_name": "attributes that are looked up by name",
    "include": "parts from other files",
    "large_loop": "counts that only cost time",
    "address": "web addresses",
    "hidden_characters": "characters that nobody sees",
    "very_long": "it is very long",
    "broken": "it cannot be read",
}


def provenance_lines(provenance: Provenance) -> Iterator[str]:
    """Name and value in columns; what is unknown is left out, warnings come last."""
    facts = {
        "source": provenance.source,
        "commit": provenance.commit,
        "author": provenance.author,
        "licence": provenance.license,
        "added": _day(provenance.added_at),
        "hashes compared": _day(provenance.verified_at),
        "made from": ", ".join(provenance.base_models),
        "quantized by": provenance.quantized_by,
        "importance matrix": provenance.importance_text,
        "distilled from": ", ".join(provenance.distilled_from),
    }
    yield from (_row(name, value) for name, value in facts.items() if value)
    for file in provenance.files:
        yield _row("file", f"{file.name}  {file.size_bytes:,} bytes  {file.sha256 or 'no hash'}")
    yield from (_row(f"says: {name}", value) for name, value in provenance.claims)
    look = provenance.template
    if look is not None:
        yield _row("chat template", f"{look.size_bytes:,} bytes  {look.sha256}")
        yield from (_row("", f"{_CONCERNS[concern]}: {place}") for concern, place in look.concerns)
        if look.compared_with:
            count = len(look.changed_lines)
            same = "the same as that of" if not count else f"{count} lines differ from that of"
            yield _row("", f"{same} {look.compared_with}")
            yield from (_row("", line) for line in look.changed_lines)
    for warning, detail in provenance.warnings:
        yield _row("warning", f"{_WARNINGS[warning]}{f' ({detail})' if detail else ''}")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds)) if seconds else ""


def _row(name: str, value: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in value)
    return f"{name:>20}  {printable}"

"""What a page says of a model that could be fetched: its facts, whether there is room for it, its files."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from app.engine_link.repositories import Repository
from app.error_texts import describe_error
from app.found_model import FoundModel
from app.model_facts import ModelFacts, parameters_text, short_count
from app.model_room import Memory, needed_bytes, room_for
from app.offer import Offer
from app.translation import format_bytes, format_number, tr
from engine.contract.model_info import InstalledModel


def file_stem(file: str) -> str:
    """A file's or a group's name without folders and ending: what tells models of one repository apart."""
    name = PurePosixPath(file).name
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name


def names_here(models: Iterable[InstalledModel]) -> dict[tuple[str, str], str]:
    """Names in the library by repository and file name, of those that were fetched from the hub."""
    fetched = [model for model in models if model.source]
    return {(model.source.partition("/")[2], file_stem(model.name)): model.name for model in fetched}


def offers(model: FoundModel, known: Repository) -> list[Offer]:
    """The files of the repository where they were listed, else the catalogue's one."""
    if known.files is None:
        return [Offer(wanted=model.wanted, name=" ".join(model.quantizations[:1]))] if model.file else []
    files = known.files
    return [
        Offer.from_group(group, repository=files.repository, commit=files.commit, title=model.title)
        for group in sorted(files.groups, key=lambda group: group.kind not in ("gguf", "checkpoint"))
    ]


def files_words(known: Repository) -> str:
    """What is to be said where the files stand: an error, a wait, or why there are none."""
    if known.files_error is not None:
        text = describe_error(known.files_error)
        return f"{text.happened} {text.to_do}"
    if "files" in known.asked:
        return tr("Asking the hub what is in it…")
    if known.files is not None and not known.files.groups:
        if known.files.has_pickles:
            return tr(
                "It holds pickles only, which can run code when they are opened. Retort never fetches them."
            )
        return tr("It holds no model that Retort can run: neither GGUF nor safetensors.")
    return ""


def card_words(known: Repository) -> str:
    """Likewise of the card."""
    if known.card_error is not None:
        text = describe_error(known.card_error)
        return f"{text.happened} {text.to_do}"
    if "card" in known.asked:
        return tr("Asking the hub for the card…")
    if known.card is None:
        return ""
    if not known.card.text:
        return tr("This repository has no card.")
    words = tr("Written by whoever published it. Pictures in it are not loaded.")
    return f"{words} {tr('It is long: the rest was not read.')}" if known.card.is_cut else words


def room_sentence(model: FoundModel, memory: Memory) -> str:
    """The rough verdict with its figures."""
    room = room_for(model.size_bytes, memory)
    if room == "unknown":
        return tr("Whether it fits is not known before its files are listed.")
    figures = {
        "needed": format_bytes(needed_bytes(model.size_bytes)),
        "free": format_bytes(max(memory.available_bytes - memory.reserve_bytes, 0)),
        "total": format_bytes(memory.total_bytes),
    }
    if room == "fits":
        return tr("It fits: it needs about {needed} of memory, and {free} are free.", **figures)
    if room == "tight":
        return tr(
            "It is tight: it needs about {needed} of memory, and {free} of {total} are free. "
            "Close other programs first.",
            **figures,
        )
    return tr(
        "It is larger than this computer's memory: it needs about {needed}, and there are {total}. "
        "It would be read from the disk again and again.",
        **figures,
    )


def facts(model: FoundModel) -> list[tuple[str, str]]:
    """Pairs of what it is called and what it is; what is not known is empty."""
    mtp = "" if model.mtp is None else tr("yes") if model.mtp else tr("no")
    context = tr("{count} tokens", count=format_number(model.context_length)) if model.context_length else ""
    unknown = tr("asked at download") if model.is_of_catalogue else ""
    return [
        (tr("Parameters"), parameters_text(model.parameters, model.active_parameters)),
        (tr("Architecture"), model.architecture),
        (tr("Context length"), context),
        (tr("Size"), size_text(model)),
        (tr("Licence"), model.license),
        (tr("MTP head"), mtp),
        (tr("Distilled from"), model.distilled_from),
        (tr("File"), model.file),
        (tr("Commit"), model.commit or unknown),
        (tr("SHA-256"), model.sha256 or unknown),
    ]


def badges_of(model: FoundModel) -> list[str]:
    """What is special about a model, in a word each."""
    badges = []
    if model.has_experts:
        badges.append("MoE")
    if model.mtp:
        badges.append("MTP")
    if model.distilled_from:
        badges.append(tr("Distilled"))
    if model.is_gated:
        badges.append(tr("Terms"))
    return badges


def facts_line(model: FoundModel) -> str:
    """The second line: what it is where it is known, else how it is thought of."""
    if model.is_of_catalogue:
        parts = [*model.quantizations[:1], size_text(model), parameters_text(model.parameters)]
        if model.has_experts:
            parts.append(tr("{count} active", count=short_count(model.active_parameters)))
        return " · ".join(filter(None, [*parts, model.license]))
    parts = [
        model.repository.partition("/")[0],
        parameters_text(model.parameters, model.active_parameters),
        tr("{count} downloads", count=format_number(model.downloads)),
        tr("{count} likes", count=format_number(model.likes)),
        model.license,
        model.updated[:10],
    ]
    return " · ".join(filter(None, parts))


def size_text(model: FoundModel) -> str:
    """How large it is, with what that rests on."""
    if not model.size_bytes:
        return ""
    size = format_bytes(model.size_bytes)
    return tr("about {size}", size=size) if model.is_size_estimated else size


def facts_of_found(model: FoundModel) -> ModelFacts:
    """What a row of the picker says of a model that is not here."""
    return ModelFacts(
        model=model.key,
        name=model.title,
        quantization=" ".join(model.quantizations[:1]),
        size=format_bytes(model.size_bytes),
        parameters=parameters_text(model.parameters, model.active_parameters),
        badges=tuple(badges_of(model)),
        format=tr("Not downloaded"),
    )

"""Engine packs in words: what they are called, what a probe said of one, what is being done."""

from app.translation import format_bytes, format_number, mark, tr
from engine.contract.pack_messages import EngineNotice, PackProgress
from engine.contract.packs import BUILTIN_ENGINE, EnginePack, PackKind, PackStep

KINDS: dict[PackKind, str] = {
    "cpu": mark("Processor"),
    "cuda": mark("CUDA (NVIDIA graphics cards)"),
    "vulkan": mark("Vulkan (graphics cards of all makers)"),
    "metal": mark("Metal (Apple)"),
}
_STEPS: dict[PackStep, str] = {
    "reading": mark("Reading the archive"),
    "unpacking": mark("Unpacking and comparing hashes: {percent} %"),
    "probing": mark("Trying it in a process of its own"),
    "fetching": mark("Fetching: {percent} %"),
}


def pack_name(pack: EnginePack) -> str:
    """What the user calls it."""
    return tr("Built in") if pack.id == BUILTIN_ENGINE else tr(KINDS[pack.kind])


def pack_words(pack: EnginePack) -> str:
    """What is known of a pack, one thing after the other."""
    if pack.id == BUILTIN_ENGINE:
        return tr("The library that ships with Retort; always there.")
    said = [pack.id, format_bytes(pack.size_bytes)]
    if pack.problem:
        return ", ".join(said) + ". " + tr("It cannot be used: {reason}.", reason=pack.problem)
    if pack.report is None:
        return ", ".join(said) + ". " + tr("Not tried yet.")
    gpus = [
        tr("{name} with {size} free", name=one.description or one.name, size=format_bytes(one.free_bytes))
        for one in pack.report.devices
        if one.is_gpu
    ]
    found = ", ".join(gpus) or tr("no graphics card, the processor")
    passed = tr(
        "The self-test passed with {speed} tokens per second.", speed=format_number(pack.report.decode_tps)
    )
    return ", ".join(said) + ". " + tr("It found {devices}.", devices=found) + " " + passed


def progress_words(progress: PackProgress | None) -> str:
    """What is being done now."""
    if progress is None:
        return tr("One moment…")
    words = _STEPS[progress.step]
    percent = round(100 * progress.fraction)
    return tr(words, percent=percent) if "{percent}" in words else tr(words)


def notice_words(notice: EngineNotice) -> str:
    """The banner after an engine has failed."""
    now = tr("the built-in engine") if notice.now == BUILTIN_ENGINE else notice.now
    return tr(
        "The engine pack {pack} failed: {reason}. Models run on {now} from now on.",
        pack=notice.pack,
        reason=notice.reason,
        now=now,
    )

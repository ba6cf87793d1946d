"""What the memory ledger says, in words: parts, placements, speed, and what would take less."""

from app.translation import format_bytes, format_number, mark, tr, tr_count
from engine.contract.fit_messages import DeviceMemory, FitChange, FitPart, FitTold, FitWhere

PART_NAMES: dict[FitPart, str] = {
    "weights": mark("Weights"),
    "experts": mark("Routed experts"),
    "mtp": mark("MTP head"),
    "kv_cache": mark("KV cache"),
    "latent": mark("Latent cache"),
    "state": mark("State of recurrent layers"),
    "compute": mark("Buffers for computing"),
    "projector": mark("Projector for pictures"),
    "draft_model": mark("Draft model"),
    "process": mark("Engine and vocabulary"),
}
WHERE_WORDS: dict[FitWhere, str] = {
    "cpu": mark("It fits: all of it goes into the memory of this computer."),
    "gpu": mark("It fits: all of it goes onto the graphics card."),
    "experts_in_ram": mark("It fits: the experts go into memory, the rest onto the graphics card."),
    "layers_split": mark("It fits: some layers go onto the graphics card, the others into memory."),
    "disk": mark("It does not fit into memory: its weights would be read from the disk again and again."),
    "too_large": mark("It does not fit: not even its cache and buffers have room."),
}
CHANGE_WORDS: dict[FitChange, str] = {
    "kv_q8_0": mark("KV cache in 8 bits"),
    "kv_q4_0": mark("KV cache in 4 bits"),
    "one_sequence": mark("One answer at a time"),
    "half_context": mark("Half the context length"),
    "quarter_context": mark("A quarter of the context length"),
}


def verdict(told: FitTold) -> str:
    """Whether it fits, in one sentence."""
    return tr(WHERE_WORDS[told.where])


def fits(told: FitTold) -> bool:
    """Whether it runs without reading weights from the disk all the time."""
    return told.where not in ("disk", "too_large")


def context_words(told: FitTold) -> str:
    """What the figures hold for."""
    return tr("With a context length of {count} tokens", count=format_number(told.context_length))


def device_words(device: DeviceMemory) -> str:
    """A device, and what is free on it now."""
    name = device.description or (device.name if device.is_gpu else tr("Memory of this computer"))
    free, total = format_bytes(device.free_bytes), format_bytes(device.total_bytes)
    return tr("{name}: {free} of {total} free now", name=name, free=free, total=total)


def total_words(told: FitTold, device: DeviceMemory) -> str:
    """What one device is asked for, and what it really took where that is known."""
    predicted = format_bytes(told.bytes_on(device.name))
    actual = [line.actual_bytes for line in told.lines if line.device == device.name]
    if any(size is None for size in actual) or not actual:
        return tr("Together {predicted}", predicted=predicted)
    really = format_bytes(sum(size or 0 for size in actual))
    return tr("Together {predicted} predicted, {really} really taken", predicted=predicted, really=really)


def speed_words(told: FitTold) -> str:
    """The range of the speed; empty where nothing is known."""
    if told.speed is None:
        return ""
    slowest, fastest = (
        format_number(tps, 1 if tps < 10 else 0) for tps in (told.speed.slowest_tps, told.speed.fastest_tps)
    )
    return tr(
        "Expected speed: {slowest} to {fastest} tokens per second, by the measured speed of the memory.",
        slowest=slowest,
        fastest=fastest,
    )


def margin_words(told: FitTold) -> str:
    """What earlier loads have taught; empty before there were enough."""
    if told.margin.factor == 1.0:
        return ""
    percent = format_number(100 * (told.margin.factor - 1), 1)
    return tr_count(
        told.margin.num_loads,
        "One earlier load took {percent} % more than predicted; that is kept free.",
        "{count} earlier loads took {percent} % more than predicted; that is kept free.",
        percent=percent,
    )


def steps_words(told: FitTold) -> list[str]:
    """What would take less, one line each."""
    return [
        tr(
            "{change}: {size}. {verdict}",
            change=tr(CHANGE_WORDS[step.change]),
            size=format_bytes(step.predicted_bytes),
            verdict=tr(WHERE_WORDS[step.where]),
        )
        for step in told.steps
    ]

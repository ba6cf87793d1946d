"""A notice about speed, in words: what happened, and what is different from when the model was fast."""

from app.translation import format_number, mark, tr
from engine.contract.tuning_messages import ChangedThing, SpeedNotice

_THINGS: dict[ChangedThing, str] = {
    "engine": mark("Engine: {before} before, {now} now."),
    "driver": mark("Driver: {before} before, {now} now."),
    "devices": mark("Devices: {before} before, {now} now."),
    "threads": mark("Threads: {before} before, {now} now."),
    "kv_type": mark("KV type: {before} before, {now} now."),
    "other_load": mark("Loading: {before} before, {now} now."),
}


def speed_words(notice: SpeedNotice) -> str:
    """The banner's text."""
    if notice.left_gpu:
        said = tr("{model} runs on the processor instead of the graphics card.", model=notice.model)
    else:
        said = tr(
            "{model} is much slower than before: {now} tokens per second, it was {before}.",
            model=notice.model,
            now=format_number(notice.decode_tps, 1),
            before=format_number(notice.good_tps, 1),
        )
    changes = [tr(_THINGS[one.what], before=one.before, now=one.now) for one in notice.changes]
    nothing = tr("No setting has changed: another program may be busy, or a driver may have failed.")
    return " ".join([said, *(changes or [nothing])])

"""A notice about speed as one line for the terminal."""

from engine.contract.tuning_messages import ChangedThing, SpeedNotice

_THINGS: dict[ChangedThing, str] = {
    "engine": "the engine",
    "driver": "the driver",
    "devices": "the devices",
    "threads": "the threads",
    "kv_type": "the KV type",
    "other_load": "how it is loaded",
}


def speed_words(notice: SpeedNotice) -> str:
    """What happened, and what is different."""
    if notice.left_gpu:
        said = f"{notice.model} runs on the CPU instead of the GPU"
    else:
        speeds = f"{notice.decode_tps:.1f} tokens per second, {notice.good_tps:.1f} before"
        said = f"{notice.model} is slower: {speeds}"
    changes = [f"{_THINGS[one.what]} ({one.before} before, {one.now} now)" for one in notice.changes]
    return f"{said}; changed: {', '.join(changes)}" if changes else f"{said}; no setting has changed"

"""A search for settings in words: what a setting is, what was just tried, what came of it."""

from app.engine_link.tuning import Tuned
from app.error_texts import describe_error
from app.translation import format_bytes, format_number, mark, tr, tr_count
from engine.contract.params import LoadParams
from engine.contract.tuned import TunedModel, TunedRow
from engine.contract.tuning_messages import TuneProgress, TuningAxis

AXES: dict[TuningAxis, str] = {
    "placement": mark("where the layers lie"),
    "threads": mark("threads"),
    "drafts": mark("guessing ahead"),
    "batch size": mark("tokens at a time"),
    "flash attention": mark("flash attention"),
    "KV type": mark("the KV cache's type"),
}
_ON_OFF = {"auto": mark("automatic"), "on": mark("on"), "off": mark("off")}


def load_words(load: LoadParams) -> str:
    """What of a setting is not as it is by default."""
    default, said = LoadParams(), []
    if load.threads is not None:
        said.append(tr_count(load.threads, "{count} thread", "{count} threads"))
    if load.placement is not None:
        said.append(_placement_words(load))
    if load.draft_tokens is None:
        said.append(tr("guesses ahead as far as it pays"))
    elif load.draft_tokens:
        said.append(
            tr_count(load.draft_tokens, "guesses {count} token ahead", "guesses {count} tokens ahead")
        )
    if load.batch_size != default.batch_size:
        said.append(tr("{count} tokens at a time", count=format_number(load.batch_size)))
    if load.flash_attention != default.flash_attention:
        said.append(tr("flash attention {state}", state=tr(_ON_OFF[load.flash_attention])))
    if load.kv_type != default.kv_type:
        said.append(tr("KV cache in {type}", type=load.kv_type))
    return ", ".join(said) or tr("as it is by default")


def step_words(step: TuneProgress | None) -> str:
    """What the search has just tried."""
    if step is None:
        return tr("Loading the model for the first measurement…")
    if step.gain is None:
        result = tr("does not run")
    elif step.gain > 0:
        result = tr("{percent} % faster", percent=round(100 * step.gain))
    else:
        result = tr("{percent} % slower", percent=round(-100 * step.gain))
    return tr(
        "Tried {axis}: {load}: {result}", axis=tr(AXES[step.axis]), load=load_words(step.load), result=result
    )


def summary_words(known: Tuned) -> str:
    """What is known of a model, in a few sentences."""
    if known.error is not None:
        text = describe_error(known.error)
        return f"{text.happened} {text.to_do}"
    if known.found is None:
        return tr(
            "Measures threads, placement, batch sizes and more on this computer, for a minute and a half. "
            "Models in memory are unloaded for it."
        )
    found = gain_words(known.found)
    return f"{found} {stale_words(known)}".strip()


def gain_words(found: TunedModel) -> str:
    """What a search brought."""
    if not found.gain:
        return tr("Nothing is clearly faster here than how it is loaded by default.")
    return tr(
        "The fastest: {load}. A typical answer takes {percent} % less time than by default.",
        load=load_words(found.best),
        percent=round(100 * found.gain),
    )


def stale_words(known: Tuned) -> str:
    """The note where a result no longer holds."""
    if not known.stale_because:
        return ""
    return tr(
        "The computer or the engine changed since: measure again ({reason}).", reason=known.stale_because
    )


def row_words(row: TunedRow) -> str:
    """One setting with its figures, for a screen reader."""
    return tr(
        "{load}: {decode} tokens per second written, {prompt} read, "
        "room for {context} tokens, {free} left free",
        load=load_words(row.load),
        decode=format_number(row.trial.decode_tps, 1),
        prompt=format_number(row.trial.prompt_tps),
        context=format_number(row.trial.most_context),
        free=format_bytes(row.trial.free_bytes),
    )


def _placement_words(load: LoadParams) -> str:
    assert load.placement is not None
    if not load.placement.gpu_layers:
        return tr("nothing on the graphics card")
    in_ram = len(load.placement.expert_layers_in_ram)
    layers = tr_count(
        load.placement.gpu_layers, "{count} layer on the graphics card", "{count} layers on the graphics card"
    )
    if not in_ram:
        return layers
    return f"{layers}, " + tr_count(in_ram, "experts of {count} in RAM", "experts of {count} in RAM")

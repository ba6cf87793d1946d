"""A job in words: what it makes of what, where it stands, and what came of it."""

from pathlib import PurePath

from app.model_names import BUILTIN, model_name
from app.translation import format_number, mark, tr, tr_count
from app.workbench.job_errors import describe_job_code
from app.workbench.pace import Pace
from app.workbench.plan_summary import kind_of
from app.workbench.recipe_text import recipe_name
from app.workbench.sizes import size_in_words
from engine.contract.job_messages import JobProgress
from engine.contract.jobs import (
    ConvertJob,
    ConvertResult,
    ExportCardJob,
    ImportanceJob,
    ImportanceResult,
    Job,
    JobRecord,
    JobResult,
    JobStep,
    MeasureJob,
    QualityCard,
    QuantizeJob,
    QuantizeResult,
    RecipeJob,
    RecipeResult,
)
from engine.contract.paths import builtin_model

MAX_NAMED = 6
STEP_WORDS: dict[JobStep, str] = {
    "waiting": mark("Waiting"),
    "planning": mark("Planning"),
    "quantizing": mark("Quantizing"),
    "converting": mark("Converting"),
    "reading": mark("Reading"),
    "scoring": mark("Scoring"),
    "comparing": mark("Comparing"),
    "trying types": mark("Trying types"),
}
_COUNTED: dict[JobStep, str] = {  # what a step counts
    "quantizing": mark("tensor {done} of {total}"),
    "converting": mark("tensor {done} of {total}"),
    "reading": mark("chunk {done} of {total}"),
    "scoring": mark("chunk {done} of {total}"),
    "comparing": mark("chunk {done} of {total}"),
    "trying types": mark("trial {done} of {total}"),
}


def short_name(model: str) -> str:
    """A model by its path or name, in few words."""
    return model_name(BUILTIN if model in (BUILTIN, str(builtin_model())) else model)


def job_title(job: Job) -> str:
    """What is to be done."""
    match job:
        case QuantizeJob():
            return tr(
                "Quantize {model} to {recipe}", model=short_name(job.source), recipe=recipe_name(job.recipe)
            )
        case ConvertJob():
            return tr("Convert {model} to {type}", model=PurePath(job.source).name, type=job.weight_type)
        case ImportanceJob():
            return tr("Importance matrix of {model}", model=short_name(job.model))
        case MeasureJob() if job.against:
            return tr(
                "Measure {model} against {reference}",
                model=short_name(job.model),
                reference=short_name(job.against),
            )
        case MeasureJob():
            return tr("Measure {model}", model=short_name(job.model))
        case RecipeJob():
            return tr("Find the best types for {model}", model=short_name(job.model))
        case ExportCardJob():
            return tr("Export a quality card")
        case _:
            return tr("Plan")


def progress_words(progress: JobProgress | None, pace: Pace, job: Job) -> str:
    """Where a running job is: its step, the count in it, speed and remaining time."""
    if progress is None:
        return tr("Starting")
    said = [tr(STEP_WORDS[progress.words])]
    if progress.total and progress.words in _COUNTED:
        counted = tr(
            _COUNTED[progress.words],
            done=format_number(progress.done),
            total=format_number(progress.total),
        )
        said = [f"{said[0]} {counted}"]
    if speed := _speed_words(progress, pace, job):
        said.append(speed)
    if progress.remaining_s is not None:
        said.append(tr("{time} left", time=duration_words(progress.remaining_s)))
    return " · ".join(said)


def _speed_words(progress: JobProgress, pace: Pace, job: Job) -> str:
    per_s = pace.per_s
    if per_s is None:
        return ""
    if progress.words in ("reading", "scoring", "comparing") and isinstance(job, MeasureJob | ImportanceJob):
        return tr("{speed} tok/s", speed=format_number(per_s * job.chunk_length))
    if progress.words in ("quantizing", "converting"):
        return tr("{speed} tensors/s", speed=format_number(per_s, 1))
    return ""


def duration_words(seconds: float) -> str:
    """A time to wait: 45 s, 3 min, 2 h 10 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{format_number(seconds)} s"
    if minutes < 90:
        return f"{format_number(minutes)} min"
    return f"{format_number(minutes // 60)} h {format_number(minutes % 60)} min"


def end_words(record: JobRecord) -> str:
    """How a job ended; for one that failed what happened and what to do."""
    if record.state == "cancelled":
        return tr("Cancelled. Nothing of it is left.")
    if record.state == "failed":
        return describe_job_code(record.error_code, record.error_message, record.error_details)
    return result_words(record.result) if record.result is not None else ""


def result_words(result: JobResult) -> str:
    """What came of a job."""
    match result:
        case QuantizeResult():
            return _quantized(result)
        case ConvertResult():
            said = tr(
                "{name}: {size}, in {time}",
                name=PurePath(result.target).name,
                size=size_in_words(result.size_bytes),
                time=duration_words(result.seconds),
            )
            return " ".join([f"{said}.", *result.notes])
        case ImportanceResult():
            said = tr_count(result.num_chunks, "Made from {count} chunk.", "Made from {count} chunks.")
            unreached = sum(result.unreached_experts.values())
            if unreached:
                said += " " + tr_count(
                    unreached,
                    "{count} expert was reached by no token: a longer text helps.",
                    "{count} experts were reached by no token: a longer text helps.",
                )
            return said
        case QualityCard():
            return _measured(result)
        case RecipeResult():
            return tr("Found: {size}", size=size_in_words(result.size_bytes))
        case _:
            return tr("Done")


def _quantized(result: QuantizeResult) -> str:
    said = tr(
        "{name}: {size}, {percent} % of the source, in {time}.",
        name=PurePath(result.target).name,
        size=size_in_words(result.size_bytes),
        percent=format_number(100 * result.size_bytes / max(result.source_bytes, 1)),
        time=duration_words(result.seconds),
    )
    if not result.fallen_back:
        return said + " " + tr("Every tensor got the type that was asked for.")
    kinds = list(dict.fromkeys(map(kind_of, result.fallen_back)))
    fell = tr_count(
        len(result.fallen_back),
        "{count} tensor got another type than was asked for: {names}",
        "{count} tensors got another type than was asked for: {names}",
        names=", ".join(kinds[:MAX_NAMED]),
    )
    return f"{said} {fell}{' …' if len(kinds) > MAX_NAMED else '.'}"


def _measured(card: QualityCard) -> str:
    perplexity = tr("Perplexity {value}", value=format_number(card.perplexity.value, 3))
    if card.divergence is None:
        return perplexity
    divergence = tr("KL divergence {value}", value=format_number(card.divergence.mean.value, 5))
    agreement = tr(
        "same first choice {percent} %",
        percent=format_number(100 * card.divergence.top1_agreement.value, 1),
    )
    return " · ".join((divergence, agreement, perplexity))

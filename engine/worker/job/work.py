"""The jobs themselves, one function each: from the wire's values to the workbench and back."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from math import prod
from pathlib import Path

import msgspec

from engine.contract.errors import InvalidRequest
from engine.contract.jobs import (
    ConvertJob,
    ConvertResult,
    ExportCardJob,
    ExportCardResult,
    ImportanceJob,
    ImportanceResult,
    Job,
    JobResult,
    MeasureJob,
    PlanJob,
    PlanResult,
    QualityCard,
    QuantizeJob,
    QuantizeResult,
    RecipeJob,
    RecipeResult,
)
from engine.contract.paths import Paths
from engine.hardware.file_budget import file_budget
from engine.hardware.peak_memory import PeakMemory
from engine.library.atomic_file import write_atomically
from engine.library.card_picture import draw_cards
from engine.library.checkpoint import read_checkpoint
from engine.library.disk_room import check_room
from engine.library.gguf import read_header
from engine.quantization.convert import FILE_TYPES as CONVERTED_TYPES
from engine.quantization.convert import convert, is_known, plan_conversion
from engine.quantization.drafts import measure_drafts
from engine.quantization.importance import make_importance_matrix
from engine.quantization.importance_matrix import ImportanceMatrix, read_importance_matrix
from engine.quantization.quality import ReferenceScores, measure, measure_against
from engine.quantization.quantize import QuantizationPlan, plan, quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from engine.quantization.sensitivity import measure_sensitivities
from engine.quantization.speed import measure_speed
from engine.quantization.stock import largest_that_fits
from engine.worker.job.files import check_model_file, check_target, read_text
from engine.worker.job.llama_scripts import check_scripts, convert_by_scripts
from engine.worker.job.progress import ProgressReporter


def do_job(job: Job, progress: ProgressReporter, folder: Path) -> JobResult:
    """Do it. `folder` takes files that the job needs for itself; raises EngineError, OSError."""
    match job:
        case PlanJob():
            return _plan(job, progress)
        case QuantizeJob():
            return _quantize(job, progress)
        case ConvertJob():
            return _convert(job, progress, folder)
        case ImportanceJob():
            return _importance(job, progress)
        case MeasureJob():
            return _measure(job, progress, folder)
        case RecipeJob():
            return _recipe(job, progress, folder)
        case ExportCardJob():
            return _export_cards(job)


def _plan(job: PlanJob, progress: ProgressReporter) -> PlanResult:
    source = Path(job.source)
    check_model_file(source)
    if job.target:
        check_target(Path(job.target), [source])
    progress.step("planning", 0, 1)
    planned = plan(source, Recipe.from_json(job.recipe))
    return PlanResult(
        tensors=planned.tensors,
        size_bytes=planned.size_bytes,
        source_bytes=read_header(source).size_bytes,
        bits_per_weight=planned.bits_per_weight,
        needs_importance=planned.needs_importance,
    )


def _quantize(job: QuantizeJob, progress: ProgressReporter) -> QuantizeResult:
    begun = time.monotonic()
    source, target = Path(job.source), Path(job.target)
    check_model_file(source)
    check_target(target, [source, *_given(job.importance)])
    recipe = Recipe.from_json(job.recipe)
    importance = _importance_of(job.importance)
    progress.step("planning", 0, 0)
    planned = plan(source, recipe)
    if planned.needs_importance and importance is None:
        raise InvalidRequest("this type needs an importance matrix: make one first, or take a larger type")
    check_room(target, planned.size_bytes)
    written = quantize(
        source,
        target,
        recipe,
        importance=importance,
        threads=job.threads,
        progress=progress.step("quantizing", 0, 1, _by_weights(planned)),
    )
    return QuantizeResult(
        target=job.target,
        size_bytes=target.stat().st_size,
        source_bytes=read_header(source).size_bytes,
        bits_per_weight=planned.bits_per_weight,
        tensor_types=dict(Counter(tensor.type.name for tensor in written.tensors).most_common()),
        fallen_back=tuple(tensor.name for tensor in planned.fallen_back),
        seconds=time.monotonic() - begun,
    )


def _by_weights(planned: QuantizationPlan) -> Callable[[int, int], float]:
    """How much of the work the first so many tensors are: a tensor takes as long as it has weights."""
    sums = [0, *accumulate(prod(tensor.shape) for tensor in planned.tensors)]
    return lambda done, _total: sums[min(done, len(sums) - 1)] / max(1, sums[-1])


def _convert(job: ConvertJob, progress: ProgressReporter, folder: Path) -> ConvertResult:
    begun = time.monotonic()
    source, target = Path(job.source), Path(job.target)
    if not source.is_dir():
        raise InvalidRequest(f"{source} is no folder of safetensors")
    if job.weight_type not in CONVERTED_TYPES:
        raise InvalidRequest(
            f"{job.weight_type!r} is not written by the converter; there are {', '.join(CONVERTED_TYPES)}"
        )
    check_target(target, [path for path in source.iterdir() if path.is_file()])
    by_scripts = job.converter == "llama.cpp"
    if job.converter == "auto":
        by_scripts = not is_known(read_checkpoint(source))
    counted, size_bytes, notes = progress.step("converting", 0, 1), 0, tuple[str, ...]()
    if by_scripts:
        _convert_by_scripts(job, folder, counted)
    elif job.is_dry_run:
        planned = plan_conversion(source, weight_type=job.weight_type)
        size_bytes, notes = planned.size_bytes, planned.notes
    else:
        notes = convert(source, target, weight_type=job.weight_type, progress=counted).notes
    return ConvertResult(
        converter="llama.cpp" if by_scripts else "own",
        notes=notes,
        target=job.target,
        size_bytes=size_bytes if job.is_dry_run else target.stat().st_size,
        seconds=time.monotonic() - begun,
    )


def _convert_by_scripts(job: ConvertJob, folder: Path, progress: Callable[[int, int], None]) -> None:
    source, sources = Path(job.source), Paths.from_environment().sources
    if job.is_dry_run:
        check_scripts(source, sources)
        return
    convert_by_scripts(
        source,
        Path(job.target),
        weight_type=job.weight_type,
        sources=sources,
        folder=folder,
        progress=progress,
    )


def _importance(job: ImportanceJob, progress: ProgressReporter) -> ImportanceResult:
    begun = time.monotonic()
    model, text, target = Path(job.model), Path(job.text), Path(job.target)
    check_model_file(model)
    check_target(target, [model, text])
    matrix = make_importance_matrix(
        model,
        read_text(text),
        dataset=text.name,
        chunk_length=job.chunk_length,
        max_chunks=job.max_chunks,
        progress=progress.step("reading", 0, 1),
    )
    matrix.write(target)
    return ImportanceResult(
        target=job.target,
        num_chunks=matrix.num_chunks,
        unreached_experts=matrix.unreached_experts,
        seconds=time.monotonic() - begun,
    )


def _measure(job: MeasureJob, progress: ProgressReporter, folder: Path) -> QualityCard:
    path = Path(job.model)
    for each in (path, *_given(job.against)):
        check_model_file(each)
    text = read_text(Path(job.text))
    reference = _reference(job.against, job, text, progress, folder, end=0.5) if job.against else None
    with PeakMemory() as memory, ScoringModel(path, chunk_length=job.chunk_length) as model:
        if reference is None:
            counted = progress.step("scoring", 0, 1)
            quality = measure(model, text, counted, max_chunks=job.max_chunks)
        else:
            quality = measure_against(model, reference, progress.step("comparing", 0.5, 1))
        chunks = model.chunks_of(text)[: job.max_chunks] if reference is None else reference.chunks
        speed = measure_speed(model, chunks[0])
    header = read_header(path)
    weights_bytes = sum(tensor.size_bytes for tensor in header.tensors)
    return QualityCard(
        model=job.model,
        against=job.against,
        text_name=Path(job.text).name,
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        chunk_length=quality.chunk_length,
        num_tokens=quality.num_tokens,
        perplexity=quality.perplexity,
        divergence=quality.divergence,
        prompt_tps=speed.prompt_tps,
        decode_tps=speed.decode_tps,
        size_bytes=header.size_bytes,
        bits_per_weight=8 * weights_bytes / max(1, header.parameters),
        measured_at=time.time(),
        peak_memory_bytes=memory.peak_bytes,
        draft_acceptance=measure_drafts(path, chunks),
    )


def _recipe(job: RecipeJob, progress: ProgressReporter, folder: Path) -> RecipeResult:
    source = Path(job.model)
    check_model_file(source)
    importance = _importance_of(job.importance)
    budget_bytes = job.budget_bytes or file_budget(source, job.context_length)
    text = read_text(Path(job.text)) if job.text else ""
    if text and not job.is_dry_run:
        reference = _reference(job.model, job, text, progress, folder, end=0.1)
        check_room(folder / "trial", plan(source, Recipe(base="Q8_0")).size_bytes)
        counted = progress.step("trying types", 0.1, 1)
        found = measure_sensitivities(source, reference, folder, importance=importance, progress=counted)
        recipe = found.recipe_for(budget_bytes)
    else:
        progress.step("planning", 0, 1)
        recipe = largest_that_fits(source, budget_bytes, has_importance=importance is not None)
    planned = plan(source, recipe)
    return RecipeResult(
        recipe=recipe.to_json(),
        size_bytes=planned.size_bytes,
        bits_per_weight=planned.bits_per_weight,
        budget_bytes=budget_bytes,
    )


def _export_cards(job: ExportCardJob) -> ExportCardResult:
    target = Path(job.target)
    if not job.cards:
        raise InvalidRequest("there is no quality card to write")
    check_target(target, [])
    is_picture = target.suffix.lower() == ".svg"
    content = (
        draw_cards(job.cards).encode() if is_picture else msgspec.json.format(msgspec.json.encode(job.cards))
    )
    write_atomically(target, content)
    return ExportCardResult(target=job.target)


def _reference(
    model: str,
    job: MeasureJob | RecipeJob,
    text: str,
    progress: ProgressReporter,
    folder: Path,
    *,
    end: float,
) -> ReferenceScores:
    """What the reference expects over the text; its scores are kept in the job's folder."""
    counted = progress.step("scoring", 0, end)
    with ScoringModel(Path(model), chunk_length=job.chunk_length) as scored:
        return ReferenceScores(scored, text, folder / "scores", counted, max_chunks=job.max_chunks)


def _importance_of(path: str) -> ImportanceMatrix | None:
    return read_importance_matrix(Path(path)) if path else None


def _given(path: str) -> list[Path]:
    return [Path(path)] if path else []

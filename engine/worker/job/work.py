"""The jobs themselves, one function each: from the wire's values to the workbench and back."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from math import prod
from pathlib import Path

from engine.contract.errors import InvalidRequest
from engine.contract.jobs import (
    ConvertJob,
    ConvertResult,
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
from engine.library.disk_room import check_room
from engine.library.gguf import read_header
from engine.quantization.convert import FILE_TYPES as CONVERTED_TYPES
from engine.quantization.convert import convert
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
from engine.worker.job.progress import ProgressReporter


def do_job(job: Job, progress: ProgressReporter, folder: Path) -> JobResult:
    """Do it. `folder` takes files that the job needs for itself; raises EngineError, OSError."""
    match job:
        case PlanJob():
            return _plan(job, progress)
        case QuantizeJob():
            return _quantize(job, progress)
        case ConvertJob():
            return _convert(job, progress)
        case ImportanceJob():
            return _importance(job, progress)
        case MeasureJob():
            return _measure(job, progress, folder)
        case RecipeJob():
            return _recipe(job, progress, folder)


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


def _convert(job: ConvertJob, progress: ProgressReporter) -> ConvertResult:
    begun = time.monotonic()
    source, target = Path(job.source), Path(job.target)
    if not source.is_dir():
        raise InvalidRequest(f"{source} is no folder of safetensors")
    if job.weight_type not in CONVERTED_TYPES:
        raise InvalidRequest(
            f"{job.weight_type!r} is not written by the converter; there are {', '.join(CONVERTED_TYPES)}"
        )
    check_target(target, [])
    convert(source, target, weight_type=job.weight_type, progress=progress.step("converting", 0, 1))
    return ConvertResult(
        target=job.target, size_bytes=target.stat().st_size, seconds=time.monotonic() - begun
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
    if not job.against:
        with ScoringModel(path, chunk_length=job.chunk_length) as model:
            quality = measure(model, text, progress.step("scoring", 0, 1), max_chunks=job.max_chunks)
            speed = measure_speed(model, model.chunks_of(text)[0])
    else:
        reference = _reference(job.against, job, text, progress, folder, end=0.5)
        with ScoringModel(path, chunk_length=job.chunk_length) as model:
            quality = measure_against(model, reference, progress.step("comparing", 0.5, 1))
            speed = measure_speed(model, reference.chunks[0])
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
    )


def _recipe(job: RecipeJob, progress: ProgressReporter, folder: Path) -> RecipeResult:
    source = Path(job.model)
    check_model_file(source)
    importance = _importance_of(job.importance)
    if job.text:
        reference = _reference(job.model, job, read_text(Path(job.text)), progress, folder, end=0.1)
        check_room(folder / "trial", plan(source, Recipe(base="Q8_0")).size_bytes)
        counted = progress.step("trying types", 0.1, 1)
        found = measure_sensitivities(source, reference, folder, importance=importance, progress=counted)
        recipe = found.recipe_for(job.budget_bytes)
    else:
        progress.step("planning", 0, 1)
        recipe = largest_that_fits(source, job.budget_bytes, has_importance=importance is not None)
    planned = plan(source, recipe)
    return RecipeResult(
        recipe=recipe.to_json(), size_bytes=planned.size_bytes, bits_per_weight=planned.bits_per_weight
    )


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

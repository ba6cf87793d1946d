"""What follows a job: matrix, recipe, quantization, measurement, each when the one before is done."""

import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.job_chain import JobChain
from app.engine_link.model_library import ModelLibrary
from app.lists.job_list import JobList
from engine.contract.errors import StorageFailed
from engine.contract.jobs import (
    Estimate,
    ImportanceJob,
    ImportanceResult,
    Job,
    JobResult,
    MeasureJob,
    QualityCard,
    QuantizeJob,
    QuantizeResult,
    RecipeJob,
    RecipeResult,
)
from tests.support.spoken_client import SpokenClient

MATRIX = ImportanceJob(model="/m/a.gguf", text="/t.txt", target="/m/b.imatrix.gguf")
FITTING = RecipeJob(model="/m/a.gguf", budget_bytes=9, text="/t.txt")
QUANTIZE = QuantizeJob(source="/m/a.gguf", target="/m/b.gguf", recipe="the stock type")
MEASURE = MeasureJob(model="/m/b.gguf", against="/m/a.gguf", text="/t.txt")
MADE = ImportanceResult(target="/m/b.imatrix.gguf", num_chunks=1, unreached_experts={}, seconds=1.0)
FOUND = RecipeResult(recipe="a better one", size_bytes=8, bits_per_weight=4.0)
WRITTEN = QuantizeResult(
    target="/m/b.gguf", size_bytes=8, source_bytes=16, bits_per_weight=4.0, tensor_types={},
    fallen_back=(), seconds=1.0,
)  # fmt: skip
CARD = QualityCard(
    model="/m/b.gguf", against="/m/a.gguf", text_name="t.txt", text_sha256="t", chunk_length=512,
    num_tokens=9, perplexity=Estimate(value=5.0, error=0.1), divergence=None, prompt_tps=1.0, decode_tps=1.0,
    size_bytes=8, bits_per_weight=4.0, measured_at=1.0,
)  # fmt: skip


@pytest.fixture
def host() -> SpokenClient:
    return SpokenClient()


@pytest.fixture
def cards() -> list[QualityCard]:
    return []


@pytest.fixture
def chain(host: SpokenClient, client: EngineClient, cards: list[QualityCard], qtbot: QtBot) -> JobChain:
    jobs = JobList(host)  # type: ignore[arg-type]
    return JobChain(jobs, ModelLibrary(client), lambda: cards)


def begun_after(host: SpokenClient, result: JobResult) -> Job:
    """End the newest job with this; returns what was begun then."""
    host.job_done.emit(f"job-{len(host.begun)}", result)
    return host.begun[-1]


def test_each_step_takes_what_the_one_before_has_made(chain: JobChain, host: SpokenClient) -> None:
    chain.quantize(QUANTIZE, fitting=FITTING, matrix=MATRIX, measuring=MEASURE)
    assert host.begun == [MATRIX]
    fitting = begun_after(host, MADE)
    assert isinstance(fitting, RecipeJob)
    assert fitting.importance == MATRIX.target
    quantize = begun_after(host, FOUND)
    assert isinstance(quantize, QuantizeJob)
    assert (quantize.recipe, quantize.importance) == ("a better one", MATRIX.target)
    assert begun_after(host, WRITTEN) == MEASURE
    reference = begun_after(host, CARD)
    assert isinstance(reference, MeasureJob)
    assert (reference.model, reference.against, reference.text) == ("/m/a.gguf", "", "/t.txt")
    begun_after(host, CARD)
    assert len(host.begun) == 5


def test_a_reference_that_was_measured_on_the_same_text_is_not_measured_again(
    chain: JobChain, host: SpokenClient, cards: list[QualityCard]
) -> None:
    chain.measure(MEASURE)
    cards.append(CARD)  # the variant's own card is none of the reference
    assert begun_after(host, CARD) != MEASURE
    cards.append(
        QualityCard(**{name: getattr(CARD, name) for name in CARD.__struct_fields__} | {"model": "/m/a.gguf"})
    )
    chain.measure(MEASURE)
    assert begun_after(host, CARD) == MEASURE


def test_nothing_follows_a_job_that_failed_or_was_cancelled(chain: JobChain, host: SpokenClient) -> None:
    chain.quantize(QUANTIZE, measuring=MEASURE)
    host.job_failed.emit("job-1", StorageFailed("/m", "full"))
    chain.quantize(QUANTIZE, measuring=MEASURE)
    host.job_cancelled.emit("job-2")
    assert host.begun == [QUANTIZE, QUANTIZE]

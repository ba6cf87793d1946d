"""Tuning a model: what is tried on this computer, the search over it, and the result to be kept."""

import time
from collections.abc import Callable
from pathlib import Path

from engine.contract.errors import InvalidRequest
from engine.contract.fit_messages import FitTold
from engine.contract.messages import EngineDescription
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings
from engine.contract.tuned import TunedModel, TunedRow
from engine.hardware.drivers import driver_versions
from engine.hardware.memory import decode_threads, physical_cores, usable_processors
from engine.library.model_shape import read_shape
from engine.library.places import ModelPlace
from engine.library.tuned_records import content_key, devices_of, engine_build
from engine.tuning.search import Found, Search, Step
from engine.tuning.space import Machine, axes, untuned
from engine.tuning.stand import TuningStand
from engine.tuning.trial import front


def machine_of(place: ModelPlace, told: FitTold) -> Machine:
    """The computer, and what of the model may go where; raises ModelError."""
    shape = read_shape(place.path)
    uses_gpu = told.where in ("gpu", "experts_in_ram", "layers_split")
    has_experts = bool(shape.number("expert_count"))
    first = shape.number("leading_dense_block_count")
    return Machine(
        processors=usable_processors(),
        cores=physical_cores(),
        default_threads=decode_threads(),
        placement=told.load.placement if uses_gpu else None,
        expert_layers=tuple(range(first, shape.num_layers)) if has_experts else (),
    )


def tune(
    place: ModelPlace,
    paths: Paths,
    settings: EngineSettings,
    told: FitTold,
    description: EngineDescription,
    *,
    seconds: float,
    on_step: Callable[[Step], None],
    folder: Path | None = None,
) -> TunedModel:
    """Search for about so many seconds; raises EngineError where the model does not run at all.

    The search ends with the trial that is running when the time is over.
    """
    if told.where in ("disk", "too_large"):
        raise InvalidRequest(f"{place.name} does not fit this memory: {told.reason}")
    machine = machine_of(place, told)
    start = untuned(settings.load_params(place.name, LoadParams()))
    uses_gpu = machine.placement is not None
    with TuningStand(place.path, paths, settings, seconds=seconds, uses_gpu=uses_gpu, folder=folder) as stand:
        search = Search(stand.measure, seconds, tell=on_step)
        found = search.run(start, axes(machine, is_torch=told.backend == "torch"))
    return result_of(found, place.name, place.path, description)


def result_of(found: Found, name: str, path: Path, description: EngineDescription) -> TunedModel:
    """What a search found, as it is kept: the fastest settings first."""
    loads = sorted(found.trials, key=lambda load: found.trials[load].exchange_s)
    trials = [found.trials[load] for load in loads]
    on_front = front(trials)
    rows = tuple(
        TunedRow(load=load, trial=trial, is_on_front=index in on_front)
        for index, (load, trial) in enumerate(zip(loads, trials, strict=True))
    )
    return TunedModel(
        name=name,
        content_key=content_key(path),
        devices=devices_of(description.memory, usable_processors(), driver_versions()),
        engine_build=engine_build(found.trials[found.best].backend, description.version),
        best=found.best,
        gain=found.gain,
        rows=rows,
        tuned_at=time.time(),
    )

"""What a model will take here and where it goes: the ledger with this computer's devices and experience.

Everything here may read files and ask devices, and is called on threads beside the deciding one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.contract.fit_messages import DeviceMemory, FitRequest, FitTold
from engine.contract.model_info import LoadedModel
from engine.contract.model_shape import ModelShape
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings
from engine.hardware.bandwidth import kept_bandwidth
from engine.hardware.fit import WORKER_BYTES
from engine.hardware.fit_ladder import next_try, steps
from engine.hardware.fit_ledger import Forecast, forecast, with_actual
from engine.hardware.memory import decode_threads
from engine.host.fit_records import FitObservation, FitRecords
from engine.host.gpu_probe import ram
from engine.library.model_shape import read_shape


class FitAdviser:
    """Forecasts, corrected by what earlier loads took."""

    def __init__(
        self,
        paths: Paths,
        *,
        available_bytes: Callable[[], int],
        gpus: Callable[[], Sequence[DeviceMemory]],
    ) -> None:
        """`available_bytes` and `gpus` say what is free now."""
        self._paths, self._available_bytes, self._gpus = paths, available_bytes, gpus
        self._records = FitRecords(paths.fit)

    def tell(self, request: FitRequest, path: Path | None, settings: EngineSettings) -> FitTold:
        """The answer to a request about the model at a path, or about the shape that came with it.

        Raises ModelError.
        """
        shape = request.shape if request.shape is not None or path is None else read_shape(path)
        assert shape is not None, "a request has a path or a shape"
        devices = self._devices()
        load, reserve_bytes = request.load, settings.memory_reserve_mib * 2**20
        draft = _draft_shape(load)
        found = forecast(
            shape,
            load,
            devices,
            reserve_bytes=reserve_bytes,
            ram_bytes_per_s=kept_bandwidth(self._paths.bandwidth, load.threads or decode_threads()),
            draft=draft,
        )
        known = self._records.of(str(path), load) if path is not None else None
        actual = {(line.part, line.device): line.actual_bytes for line in known.lines} if known else {}
        return FitTold(
            request_id=request.request_id,
            model=request.model,
            backend=found.memory.backend,
            context_length=found.memory.context_length,
            trained_context_length=shape.number("context_length"),
            num_positions=found.memory.layout.positions,
            lines=tuple(
                line if known is None else replace(line, actual_bytes=actual.get((line.part, line.device)))
                for line in found.lines
            ),
            devices=tuple(devices),
            where=found.plan.where,
            reason=found.plan.reason,
            load=found.load,
            steps=steps(shape, found, devices, reserve_bytes=reserve_bytes, draft=draft),
            speed=found.speed,
            margin=self._records.margin(found.memory.backend),
            reserve_bytes=reserve_bytes,
        )

    def forecast_load(
        self, path: Path, load: LoadParams, settings: EngineSettings, tried: Sequence[LoadParams] = ()
    ) -> Forecast | None:
        """How a model will be loaded; None where every placement was tried. Raises ModelError."""
        shape, devices, draft = read_shape(path), self._devices(), _draft_shape(load)
        reserve_bytes = settings.memory_reserve_mib * 2**20
        if tried:
            return next_try(shape, load, devices, tried, reserve_bytes=reserve_bytes, draft=draft)
        return forecast(shape, load, devices, reserve_bytes=reserve_bytes, draft=draft)

    def needed_bytes(self, found: Forecast) -> int:
        """RAM that a worker will take with it, as experience corrects it."""
        margin = self._records.margin(found.memory.backend)
        return WORKER_BYTES + int(found.ram_bytes * margin.factor)

    def note_loaded(self, path: Path, load: LoadParams, found: Forecast, loaded: LoadedModel) -> None:
        """Keep what a load took beside what was predicted."""
        lines = with_actual(found.lines, loaded)
        if any(line.actual_bytes is not None for line in lines):
            self._records.keep(
                FitObservation(model=str(path), backend=loaded.backend, load=load, lines=lines)
            )

    def _devices(self) -> list[DeviceMemory]:
        return [ram(self._available_bytes()), *self._gpus()]


def _draft_shape(load: LoadParams) -> ModelShape | None:
    return read_shape(Path(load.draft_model)) if load.draft_model else None

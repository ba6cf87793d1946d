"""How large a model's file may be so that it runs in this computer's memory beside its context."""

from pathlib import Path

from engine.contract.errors import InvalidRequest
from engine.contract.params import LoadParams
from engine.contract.settings import EngineSettings
from engine.hardware.fit import WORKER_BYTES, measure
from engine.hardware.memory import available_bytes
from engine.library.model_shape import read_shape


def file_budget(model: Path, context_length: int, free_bytes: int | None = None) -> int:
    """The largest file in bytes. `model` is the one that it is made from: the KV cache of both is the same.

    What is free now, less what the settings leave to other programs, less all that a loaded model takes
    besides its weights. Raises InvalidRequest where nothing is left, ModelError for a model that is none.
    """
    free_bytes = available_bytes() if free_bytes is None else free_bytes
    reserve_bytes = EngineSettings().memory_reserve_mib * 2**20
    load = LoadParams(context_length=context_length)
    memory = measure(read_shape(model), load, free_bytes=free_bytes)
    besides_bytes = WORKER_BYTES + memory.total - memory.kept_in_files
    left = free_bytes - reserve_bytes - besides_bytes
    if left <= 0:
        raise InvalidRequest(
            f"a context of {context_length:,} tokens takes {besides_bytes / 2**20:,.0f} MiB beside the "
            f"model; {max(0, free_bytes - reserve_bytes) / 2**20:,.0f} MiB are free"
        )
    return left

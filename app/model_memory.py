"""What a loaded model takes of the memory, and what it would take if it were loaded otherwise."""

from dataclasses import dataclass

from engine.contract.model_info import LoadedModel
from engine.contract.params import KvType, LoadParams

LONGEST_BY_DEFAULT = 8192  # tokens; what the engine takes at most where no context length is asked for
_BYTES_PER_VALUE: dict[KvType, float] = {  # quantized types: a block of 32 values with its scale
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q4_0": 18 / 32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedMemory:
    """Bytes by use. Buffers for computing come on top, some hundred MB for a large model."""

    weights_bytes: int
    kv_bytes: int
    context_length: int

    @property
    def total_bytes(self) -> int:
        """Both together."""
        return self.weights_bytes + self.kv_bytes


def predict_memory(loaded: LoadedModel, loaded_kv_type: KvType, wanted: LoadParams) -> PredictedMemory:
    """From the KV bytes per token that the loaded model really has, scaled to the type that is wanted."""
    trained = loaded.info.context_length or LONGEST_BY_DEFAULT
    context_length = wanted.context_length or min(trained, LONGEST_BY_DEFAULT)
    per_token = (
        loaded.kv_bytes_per_token * _BYTES_PER_VALUE[wanted.kv_type] / _BYTES_PER_VALUE[loaded_kv_type]
    )
    return PredictedMemory(
        weights_bytes=loaded.info.size_bytes,
        kv_bytes=round(per_token * context_length),
        context_length=context_length,
    )

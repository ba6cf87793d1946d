"""How much memory a model will take once it is loaded, from its header alone and before it is."""

from dataclasses import replace
from pathlib import Path

from engine.contract.params import LoadParams, WeightType
from engine.hardware.kv_cache import checkpoint_kv_bytes_per_token, kv_bytes_per_token
from engine.library.checkpoint import read_checkpoint
from engine.library.gguf import read_header

DEFAULT_CONTEXT = 8192  # tokens, where the params do not say and the model was trained for more
PROCESS_BYTES = 128 * 2**20  # interpreter and native libraries
# of the torch engine, scales included; as the file has them where it is not said
BYTES_PER_WEIGHT: dict[WeightType, float] = {"f32": 4.0, "bf16": 2.0, "int8": 1.1, "int4": 0.65}
COMPUTE_SHARE = 0.03  # compute buffers, of the weights' size


def estimate_load_bytes(path: Path, load: LoadParams) -> int:
    """Weights, KV cache, compute buffers and the process itself; raises ModelError."""
    if path.is_dir():
        checkpoint = read_checkpoint(path)
        bytes_per_weight = BYTES_PER_WEIGHT.get(load.weight_type)
        weights_bytes = (
            int(checkpoint.parameters * bytes_per_weight) if bytes_per_weight else checkpoint.size_bytes
        )
        trained = checkpoint.number("max_position_embeddings")
        kv_bytes = checkpoint_kv_bytes_per_token(checkpoint, load.kv_type)
    else:
        header = read_header(path)
        weights_bytes = header.size_bytes
        trained = header.hyperparameter("context_length")
        kv_bytes = kv_bytes_per_token(header, load.kv_type, load.kv_type_v)
    context_length = load.context_length or min(trained or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
    drafting_bytes = 0
    if load.draft_model:
        alone = replace(load, draft_model="", context_length=context_length)
        drafting_bytes = estimate_load_bytes(Path(load.draft_model), alone) - PROCESS_BYTES
    model_bytes = int(weights_bytes * (1 + COMPUTE_SHARE)) + kv_bytes * context_length
    return model_bytes + drafting_bytes + PROCESS_BYTES

"""Computers and models of any size, in numbers alone: what placements are tried on."""

from engine.contract.fit_messages import DeviceMemory
from engine.contract.model_shape import OUTSIDE, ModelShape, WeightPart, Weights
from engine.hardware.fit_ledger import CPU

GIB = 2**30


def ram(free_gib: float) -> DeviceMemory:
    return DeviceMemory(name=CPU, is_gpu=False, free_bytes=int(free_gib * GIB), total_bytes=128 * GIB)


def gpu(free_gib: float, index: int = 0, *, is_unified: bool = False) -> DeviceMemory:
    free = int(free_gib * GIB)
    return DeviceMemory(
        name=f"GPU{index}", is_gpu=True, free_bytes=free, total_bytes=free, is_unified=is_unified
    )


def model(
    *, layers: int = 8, dense_gib: float = 0.5, expert_gib: float = 0.0, mtp_gib: float = 0.0
) -> ModelShape:
    """Weights per layer; grouped attention of Llama 8B's sizes."""

    def group(layer: int, part: WeightPart, gib: float) -> Weights:
        return Weights(layer, part, "Q4_K", int(gib * GIB * 2), int(gib * GIB))

    weights = [group(OUTSIDE, "embedding", 0.25), group(OUTSIDE, "output", 0.25)]
    for layer in range(layers):
        weights.append(group(layer, "dense", dense_gib))
        if expert_gib:
            weights.append(group(layer, "expert", expert_gib))
    numbers: dict[str, int | tuple[int, ...]] = {
        "block_count": layers,
        "embedding_length": 4096,
        "feed_forward_length": 14336,
        "attention.head_count": 32,
        "attention.head_count_kv": 8,
        "context_length": 131072,
    }
    if expert_gib:
        numbers |= {"expert_count": 64, "expert_used_count": 4, "expert_feed_forward_length": 1024}
    if mtp_gib:
        weights.append(group(layers, "mtp", mtp_gib))
        numbers |= {"block_count": layers + 1, "nextn_predict_layers": 1}
    return ModelShape(
        name="m",
        format="gguf",
        architecture="llama",
        numbers=numbers,
        weights=tuple(weights),
        vocabulary_size=128_000,
    )

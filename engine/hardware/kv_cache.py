"""How large a model's memory of a conversation is: keys and values, MLA's latent, recurrent state.

Arithmetic on a model's shape alone. Sizes are llama.cpp's (llama-kv-cache.cpp, llama-hparams.cpp).
"""

from engine.contract.model_shape import ModelShape
from engine.contract.params import KvType

BYTES_PER_VALUE: dict[KvType, float] = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
_STATE_BYTES = 4  # recurrent state is float32, whatever the KV cache is
_EVERY_FOURTH = ("qwen3next", "qwen35", "qwen35moe", "qwen4exp")  # attends only there where nothing is said
_ATTENDS_EVERYWHERE = ("falcon-h1",)  # recurrent and attending in the same layer


def kv_bytes_per_token(shape: ModelShape, kv_type: KvType, kv_type_v: KvType | None = None) -> int:
    """Bytes that one position takes over all layers; `kv_type_v` where the values have their own type."""
    layers = range(shape.num_layers)
    return int(sum(layer_kv_bytes(shape, layer, kv_type, kv_type_v) for layer in layers))


def layer_kv_bytes(shape: ModelShape, layer: int, kv_type: KvType, kv_type_v: KvType | None = None) -> float:
    """Bytes that one position takes in one layer, 0 in a layer that only has a state.

    With MLA there is one latent of kv_lora_rank + rope values and nothing else (DeepSeek-V2,
    arXiv:2405.04434, section 2.1); otherwise a key and a value per KV head.
    """
    key_bytes, value_bytes = BYTES_PER_VALUE[kv_type], BYTES_PER_VALUE[kv_type_v or kv_type]
    if has_latent(shape):
        return (shape.number("attention.kv_lora_rank") + shape.number("rope.dimension_count")) * key_bytes
    if is_recurrent(shape, layer) and shape.architecture not in _ATTENDS_EVERYWHERE:
        return 0.0
    num_heads = shape.number_of_layer("attention.head_count", layer) or 1
    head_size = shape.number("embedding_length") // num_heads
    num_kv_heads = shape.number_of_layer("attention.head_count_kv", layer) or num_heads
    key_size = shape.number("attention.key_length") or head_size
    value_size = shape.number("attention.value_length") or head_size
    return num_kv_heads * (key_size * key_bytes + value_size * value_bytes)


def has_latent(shape: ModelShape) -> bool:
    """Whether keys and values are kept as MLA's latent.

    GGUF files from before llama.cpp did so have `attn_kv_b` whole and no length of a key inside of MLA.
    """
    if shape.format == "checkpoint":
        return shape.number("attention.kv_lora_rank") > 0
    return shape.number("attention.kv_lora_rank") > 0 and shape.number("attention.key_length_mla") > 0


def is_recurrent(shape: ModelShape, layer: int) -> bool:
    """Whether a layer has a state of one size in place of keys and values, or beside them."""
    if not _layer_state_values(shape):
        return False
    if isinstance(shape.numbers.get("attention.head_count_kv"), tuple):
        return shape.number_of_layer("attention.head_count_kv", layer) == 0
    interval = shape.number("full_attention_interval")
    if not interval and shape.architecture in _EVERY_FOURTH:
        interval = 4
    return (layer + 1) % interval != 0 if interval else True


def has_state(shape: ModelShape) -> bool:
    """Whether any layer is recurrent: then a sequence cannot be shortened."""
    return any(is_recurrent(shape, layer) for layer in range(shape.num_layers))


def layer_state_bytes(shape: ModelShape, layer: int) -> int:
    """Bytes that one sequence takes in one layer, however long it is."""
    return _STATE_BYTES * _layer_state_values(shape) if is_recurrent(shape, layer) else 0


def _layer_state_values(shape: ModelShape) -> int:
    """Values of a recurrent layer's convolution and state (llama_hparams::n_embd_r and n_embd_s)."""
    number, embedding = shape.number, shape.number("embedding_length")
    if head := number("wkv.head_size"):
        return (number("token_shift_count") or 2) * embedding + embedding * head
    if taps := number("shortconv.l_cache"):
        return embedding * (taps - 1)
    kernel = number("ssm.conv_kernel")
    if head := number("kda.head_dim"):
        heads = number("attention.head_count")
        return 3 * max(kernel - 1, 0) * heads * head + head * head * heads
    inner, state = number("ssm.inner_size"), number("ssm.state_size")
    return max(kernel - 1, 0) * (inner + 2 * number("ssm.group_count") * state) + state * inner

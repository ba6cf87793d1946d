"""How large a model's KV cache is, from its header or configuration alone."""

from engine.contract.params import KvType
from engine.library.checkpoint import Checkpoint
from engine.library.gguf import GgufHeader

BYTES_PER_VALUE: dict[KvType, float] = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}


def kv_bytes_per_token(header: GgufHeader, kv_type: KvType, kv_type_v: KvType | None = None) -> int:
    """Bytes of KV cache that one position takes over all layers; `kv_type_v` where the values differ.

    With MLA llama.cpp keeps one latent of kv_lora_rank + rope values and no separate values
    (DeepSeek-V2, arXiv:2405.04434, section 2.1); otherwise a key and a value per KV head.
    """
    num_layers = header.hyperparameter("block_count") - header.hyperparameter("nextn_predict_layers")
    latent = header.hyperparameter("attention.kv_lora_rank")
    key_bytes, value_bytes = BYTES_PER_VALUE[kv_type], BYTES_PER_VALUE[kv_type_v or kv_type]
    if latent:
        layer_bytes = (latent + header.hyperparameter("rope.dimension_count")) * key_bytes
    elif header.hyperparameter("ssm.state_size") and not header.hyperparameter("attention.head_count"):
        layer_bytes = 0.0  # recurrent layers alone: their state is of one size, however long the context
    else:
        num_heads = header.hyperparameter("attention.head_count") or 1
        num_kv_heads = header.hyperparameter("attention.head_count_kv") or num_heads
        head_size = header.hyperparameter("embedding_length") // num_heads
        key_size = header.hyperparameter("attention.key_length") or head_size
        value_size = header.hyperparameter("attention.value_length") or head_size
        layer_bytes = num_kv_heads * (key_size * key_bytes + value_size * value_bytes)
    return int(num_layers * layer_bytes)


def checkpoint_kv_bytes_per_token(checkpoint: Checkpoint, kv_type: KvType) -> int:
    """The same for a checkpoint's folder, by the names of its config.json."""
    number = checkpoint.number
    if latent := number("kv_lora_rank"):
        values = latent + number("qk_rope_head_dim")
    else:
        num_heads = number("num_attention_heads") or 1
        head_size = number("head_dim") or number("hidden_size") // num_heads
        values = 2 * (number("num_key_value_heads") or num_heads) * head_size
    return int(number("num_hidden_layers") * values * BYTES_PER_VALUE[kv_type])

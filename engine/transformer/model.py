"""The whole model: tokens to hidden states to logits, and the guesses of its MTP layers.

Knows token ids and positions, nothing of text or sampling. `load_model` makes one of a checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.generation.backend import Cancelled, DecodeCancelled, Progress
from engine.library.checkpoint import Checkpoint
from engine.library.gguf import GgufHeader
from engine.transformer.causal import Step
from engine.transformer.config import ModelConfig
from engine.transformer.config_readers import read_config
from engine.transformer.gguf_config import read_gguf_config
from engine.transformer.gguf_source import GgufSource
from engine.transformer.kv_cache import KvCache
from engine.transformer.layer import Layer
from engine.transformer.linear import FloatLinear, Linear
from engine.transformer.mtp import MtpLayer
from engine.transformer.norm import RmsNorm
from engine.transformer.quantized_linear import QuantizedType
from engine.transformer.quantized_store import QuantizedStore, files_fingerprint, store_folder
from engine.transformer.rope import RopeTable
from engine.transformer.tensor_source import CheckpointSource, TensorSource
from engine.transformer.weights import Weights, never, unheard


@dataclass(frozen=True, slots=True)
class Transformer:
    """A decoder-only transformer. Not for several threads at once."""

    config: ModelConfig
    embedding: Tensor  # (V, C)
    layers: tuple[Layer, ...]
    norm: RmsNorm
    output: Linear  # C to V
    mtp_layers: tuple[MtpLayer, ...]
    rope: RopeTable
    dtype: torch.dtype  # of what is computed and of the KV cache

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.embedding.device

    def new_cache(self, max_length: int, *, count_experts: bool = False) -> KvCache:
        """An empty KV cache for one sequence; it can count which experts that sequence uses."""
        cache = self._cache(len(self.layers), max_length)
        if count_experts and self.config.moe is not None:
            shape = len(self.layers), self.config.moe.num_experts
            cache.expert_counts = torch.zeros(shape, dtype=torch.int64)  # (layers, E)
        return cache

    def new_mtp_cache(self, max_length: int) -> KvCache:
        """An empty KV cache for the MTP layers; depth by depth they hold a position less."""
        return self._cache(len(self.mtp_layers), max_length)

    def hidden_states(
        self, token_ids: Sequence[int], position: int, cache: KvCache, cancelled: Cancelled = never
    ) -> Tensor:
        """Compute T tokens that stand from `position` on, and cache them: (T, C), after the last norm.

        Raises DecodeCancelled between layers where `cancelled` became true; the cache is as it was before.
        """
        with torch.inference_mode():
            cache.truncate(position)
            step = self._step(len(token_ids), position, cache, cancelled)
            x = self._embed(token_ids)  # (T, C)
            for number, layer in enumerate(self.layers):
                step.check_cancelled()
                x = layer(x, number, cache, step)  # (T, C)
            cache.length = position + len(token_ids)
            return self.norm(x)  # (T, C)

    def logits(self, hidden: Tensor) -> Tensor:
        """(T, C) to (T, V) float32."""
        with torch.inference_mode():
            return self.output(hidden).to(torch.float32)  # (T, V)

    def mtp_hidden_states(
        self, depth: int, hidden: Tensor, next_token_ids: Sequence[int], position: int, cache: KvCache
    ) -> Tensor:
        """What MTP layer `depth` makes of hidden states (T, C) of the depth before it: (T, C), for `logits`.

        `next_token_ids[i]` is the token that stands `depth + 1` after that of `hidden[i]`.
        """
        with torch.inference_mode():
            step = self._step(len(next_token_ids), position, cache, never)
            cache.length = max(cache.length, position + len(next_token_ids))
            embedded = self._embed(next_token_ids)  # (T, C)
            return self.mtp_layers[depth](hidden, embedded, depth, cache, step)  # (T, C)

    def _step(self, num_tokens: int, position: int, cache: KvCache, cancelled: Cancelled) -> Step:
        def check_cancelled() -> None:
            if cancelled():
                raise DecodeCancelled

        cache.reserve(position + num_tokens)
        rotation = self.rope.rotation(position, num_tokens)
        return Step(position, num_tokens, rotation, self.dtype, self.device, check_cancelled)

    def _embed(self, token_ids: Sequence[int]) -> Tensor:
        ids = torch.tensor(token_ids, dtype=torch.int64, device=self.device)  # (T,)
        return F.embedding(ids, self.embedding).to(self.dtype)  # (T, C)

    def _cache(self, num_layers: int, max_length: int) -> KvCache:
        return KvCache(
            num_layers=num_layers,
            row_width=self.config.attention.row_width,
            max_length=max_length,
            dtype=self.dtype,
            device=self.device,
        )


def load_model(
    model_file: Checkpoint | GgufHeader,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    expert_device: str | None = None,
    quantize_to: QuantizedType | None = None,
    cache_folder: Path | None = None,
    with_mtp: bool = True,
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> Transformer:
    """Read the weights of a checkpoint or a GGUF file; those of MTP layers only where they are wanted.

    With `quantize_to` the linear layers take 8 or 4 bits per weight; they are kept in `cache_folder`, if
    there is one, for the next time. Routed experts can be on another device than the rest.

    Raises ModelDamaged or ModelUnsupported with what is wrong; DecodeCancelled where `cancelled` became true.
    """
    config, place, store = model_config(model_file), torch.device(device), None
    source: TensorSource
    if isinstance(model_file, GgufHeader):
        source = GgufSource(model_file)
    else:
        source = CheckpointSource(model_file, config.fp8_block)
    if quantize_to is not None and cache_folder is not None:
        folder = store_folder(cache_folder, source.path, quantize_to)
        store = QuantizedStore(folder, files_fingerprint(source.files))
    weights = Weights(
        source,
        dtype=dtype,
        device=place,
        expert_device=None if expert_device is None else torch.device(expert_device),
        quantize_to=quantize_to,
        store=store,
        progress=progress,
        cancelled=cancelled,
    )
    model = _read_model(weights, config, with_mtp=with_mtp)
    if store is not None:
        store.save()
    progress(1.0)
    return model


def model_config(model_file: Checkpoint | GgufHeader) -> ModelConfig:
    """The hyperparameters of a model; raises ModelDamaged or ModelUnsupported."""
    return read_gguf_config(model_file) if isinstance(model_file, GgufHeader) else read_config(model_file)


def _read_model(weights: Weights, config: ModelConfig, *, with_mtp: bool) -> Transformer:
    shape = config.vocabulary_size, config.hidden_size
    embedding = weights.embedding("model.embed_tokens.weight", *shape)  # (V, C)
    output: Linear
    if config.has_tied_embeddings and not weights.quantizes:
        output = FloatLinear(embedding)
    else:
        name = "model.embed_tokens" if config.has_tied_embeddings else "lm_head"
        output = weights.linear(name, *shape, at_least="int8")
    return Transformer(
        config=config,
        embedding=embedding,
        layers=tuple(Layer.read(weights, config, number) for number in range(config.num_layers)),
        norm=weights.norm("model.norm", config.hidden_size, config.norm_eps),
        output=output,
        mtp_layers=_mtp_layers(weights, config) if with_mtp else (),
        rope=RopeTable(config.rope, device=weights.device, dtype=weights.dtype),
        dtype=weights.dtype,
    )


def _mtp_layers(weights: Weights, config: ModelConfig) -> tuple[MtpLayer, ...]:
    """The MTP layers config.json announces; many checkpoints announce one and come without its weights."""
    depths = range(config.num_mtp_layers)
    if not any(weights.has(f"model.layers.{config.num_layers + depth}.") for depth in depths):
        return ()
    return tuple(MtpLayer.read(weights, config, depth) for depth in depths)

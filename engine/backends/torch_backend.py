"""The torch engine as a backend: a folder of safetensors, run by `engine.transformer`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.backends.tokenizer import CheckpointTokenizer
from engine.contract.errors import InternalError, InvalidRequest, ModelDamaged, ModelTooLarge
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import Cancelled, Progress
from engine.generation.sampler import Floats, LogitsSampler
from engine.hardware.memory import available_bytes, physical_cores
from engine.library.checkpoint import Checkpoint, describe_checkpoint, read_checkpoint
from engine.transformer.config import ModelConfig
from engine.transformer.config_readers import read_config
from engine.transformer.model import load_model

DEFAULT_CONTEXT_LENGTH = 8192


class TorchBackend:
    """Implements `engine.generation.backend.Backend` over a `Transformer`.

    Weights and KV cache are kept in one type: float32 on CPUs, where bfloat16 products were measured five
    times slower without instructions for them, bfloat16 on GPUs. `kv_bytes_per_token` says what that takes.
    """

    def __init__(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Load a checkpoint.

        Raises ModelError or InvalidRequest; DecodeCancelled where `cancelled` became true while loading.
        """
        started = time.perf_counter()
        if params.kv_type == "q8_0":
            raise InvalidRequest("the torch engine has no q8_0 KV cache; leave the type of the KV cache out")
        checkpoint = read_checkpoint(path)
        config = read_config(checkpoint)
        self._tokenizer = CheckpointTokenizer(path)
        if self._tokenizer.num_tokens > config.vocabulary_size:
            raise ModelDamaged(
                str(path),
                f"its tokenizer has {self._tokenizer.num_tokens} tokens, the model {config.vocabulary_size}",
            )
        device = choose_device(params)
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        context_length = params.context_length or min(config.context_length, DEFAULT_CONTEXT_LENGTH)
        check_memory(checkpoint, config, context_length, dtype, device)
        if device.type == "cpu":
            torch.set_num_threads(params.threads or physical_cores())
        self._model = load_model(
            checkpoint,
            dtype=dtype,
            device=str(device),
            with_mtp=False,  # nothing drafts yet
            progress=progress,
            cancelled=cancelled,
        )
        self._cache = self._model.new_cache(context_length)
        self._logits: Any = None  # (V,) float32, of the last decoded position
        self.batch_size = min(params.batch_size, context_length)
        self.is_interruptible = True  # between layers
        self.end_tokens = self._tokenizer.end_tokens
        self.chat_template = self._tokenizer.chat_template
        self.template_tokens = self._tokenizer.template_tokens
        self.loaded = LoadedModel(
            info=describe_checkpoint(checkpoint),
            backend="torch",
            device=describe_device(device),
            context_length=context_length,
            kv_bytes_per_token=self._cache.bytes_per_token,
            load_ms=1000 * (time.perf_counter() - started),
            backend_version=str(torch.__version__),
        )

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids, with special tokens in the text recognised."""
        return self._tokenizer.encode(text, add_special=add_special)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; special tokens have none."""
        return self._tokenizer.piece(token, special=special)

    def decode(self, token_ids: Sequence[int], position: int, cancelled: Cancelled) -> None:
        """Compute tokens from `position` on and the last one's logits; a cancel is noticed between layers."""
        end, room = position + len(token_ids), self._cache.max_length
        if position > self._cache.length or end > room:
            raise InternalError(f"positions {position} to {end} do not follow on the KV cache of {room}")
        hidden = self._model.hidden_states(token_ids, position, self._cache, cancelled)  # (T, C)
        self._logits = self._model.logits(hidden[-1:])[0]  # (V,)

    def truncate(self, length: int) -> bool:
        """Forget positions from `length` on, which every architecture here can."""
        self._cache.truncate(length)
        return True

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> LogitsSampler:
        """A sampler over this backend's logits, which has seen the prompt's end."""
        return LogitsSampler(
            params,
            seed,
            history,
            logits=self._last_logits,
            piece=self.piece,
            vocabulary_size=self._model.config.vocabulary_size,
        )

    def close(self) -> None:
        """Give the memory back."""
        self._model = self._cache = self._logits = None  # type: ignore[assignment]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _last_logits(self) -> Floats:
        if self._logits is None:
            raise InternalError("there are no logits before the first decode")
        logits: Floats = self._logits.cpu().numpy()
        return logits


def choose_device(params: LoadParams) -> torch.device:
    """The first GPU that torch sees, unless no layer is to be offloaded. No GPU has been tried yet."""
    if params.gpu_layers == 0:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def describe_device(device: torch.device) -> str:
    """What a person would call it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "CPU" if device.type == "cpu" else "Apple GPU"


def check_memory(
    checkpoint: Checkpoint,
    config: ModelConfig,
    context_length: int,
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    """Refuse a model whose weights and full KV cache do not fit; nothing of them stays on the disk."""
    cache_values = config.num_layers * config.attention.row_width * context_length
    needed_bytes = (checkpoint.parameters + cache_values) * dtype.itemsize
    free_bytes = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes()
    if needed_bytes > free_bytes:
        raise ModelTooLarge(needed_bytes, free_bytes)

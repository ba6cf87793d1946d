"""A GGUF model in llama.cpp: one model, one context, one sequence.

Uses the C functions rather than llama-cpp-python's `Llama` class, whose streaming costs grow with the
answer's length and whose prompt processing cannot be cancelled.
"""

import ctypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.backends.llama.native import Native, load_native
from engine.backends.llama.sampling import ChainSampler
from engine.contract.errors import InternalError, ModelDamaged, ModelTooLarge, ModelUnsupported
from engine.contract.model_info import LoadedModel
from engine.contract.params import KvType, LoadParams, SamplingParams
from engine.generation.backend import Cancelled, DecodeCancelled, Progress
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.hardware.memory import available_bytes, decode_threads, physical_cores
from engine.library.describe import describe
from engine.library.gguf import GgufHeader, read_header

DEFAULT_CONTEXT_LENGTH = 8192
_KV_TYPES: dict[KvType, int] = {"f32": 0, "f16": 1, "q8_0": 8}  # ggml.h, enum ggml_type
_DECODE_ABORTED = 2  # llama.h, llama_decode: aborted, processed positions remain
_DECODE_NO_SLOT = 1


class LlamaBackend:
    """Implements `engine.generation.backend.Backend` over llama.h."""

    def __init__(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Load a model; the header is checked before llama.cpp sees the file.

        Raises ModelError or EngineMissing; DecodeCancelled where `cancelled` became true while loading.
        """
        started = time.perf_counter()
        header = read_header(path)
        context_length = choose_context_length(header, params)
        token_bytes = kv_bytes_per_token(header, params.kv_type)
        check_memory(token_bytes * context_length)
        self._native: Native = load_native()
        self._library = self._native.library
        self._cancelled: Cancelled = cancelled
        self._abort = self._library.ggml_abort_callback(lambda _: self._cancelled())
        self.batch_size = min(params.batch_size, context_length)
        devices = self._native.devices()
        self.is_interruptible = (
            len(devices) <= 1 or params.gpu_layers == 0
        )  # llama.h: abort works on CPUs only
        self._model = self._load_model(path, params, progress)
        self._vocabulary = self._library.llama_model_get_vocab(self._model)
        self._context = self._create_context(path, params, context_length)
        self._memory = self._library.llama_get_memory(self._context)
        self._batch = self._library.llama_batch_init(self.batch_size, 0, 1)
        self.end_tokens = self._find_end_tokens(header.length("tokenizer.ggml.tokens"))
        self.chat_template = header.text("tokenizer.chat_template")
        self.template_tokens = self._special_texts()
        self.loaded = LoadedModel(
            info=describe(header),
            backend="llama",
            device=", ".join(devices) or "CPU",
            context_length=int(self._library.llama_n_ctx(self._context)),
            kv_bytes_per_token=token_bytes,
            load_ms=1000 * (time.perf_counter() - started),
            backend_version=self._native.version,
        )

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids, with special tokens in the text recognised."""
        data = text.encode()
        size = len(data) + 8
        while True:
            tokens = (ctypes.c_int32 * size)()
            count = self._library.llama_tokenize(
                self._vocabulary, data, len(data), tokens, size, add_special, True
            )
            if count >= 0:
                return list(tokens[:count])
            size = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; control tokens have none unless `special` is set."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def decode(self, token_ids: Sequence[int], position: int, cancelled: Cancelled) -> None:
        """Compute keys, values and the last position's logits of at most `batch_size` tokens."""
        batch, length = self._batch, len(token_ids)
        batch.n_tokens = length
        for index, token in enumerate(token_ids):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == length - 1
        self._cancelled = cancelled
        result = self._library.llama_decode(self._context, batch)
        if result == _DECODE_ABORTED:
            raise DecodeCancelled
        if result != 0:
            full = "the KV cache has no room" if result == _DECODE_NO_SLOT else f"llama_decode gave {result}"
            raise InternalError(f"{full} at position {position}: {self._native.log.last_reason()}")

    def truncate(self, length: int) -> bool:
        """Forget positions from `length` on; a model that cannot (recurrent layers) forgets everything."""
        if self._library.llama_memory_seq_rm(self._memory, 0, length, -1):
            return True
        self._library.llama_memory_clear(self._memory, True)
        return False

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> ChainSampler:
        """llama.cpp's sampler chain, which has seen the prompt's end."""
        sampler = ChainSampler(self._library, self._context, self._vocabulary, params, seed)
        sampler.accept_prompt(history, params.penalty_window)
        return sampler

    def close(self) -> None:
        """Free batch, context and model, in the order llama.cpp needs."""
        if self._context:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._context = self._model = None

    def _load_model(self, path: Path, params: LoadParams, progress: Progress) -> Any:
        def report(fraction: float, _: object) -> bool:
            progress(fraction)
            return not self._cancelled()

        model_params = self._library.llama_model_default_params()
        model_params.n_gpu_layers = params.gpu_layers
        callback = type(model_params.progress_callback)(report)
        model_params.progress_callback = callback
        self._native.log.clear()
        model = self._library.llama_model_load_from_file(str(path).encode(), model_params)
        if model:
            return model
        if self._cancelled():
            raise DecodeCancelled
        reason = self._native.log.last_reason() or "llama.cpp cannot load it"
        if "unknown model architecture" in reason:
            raise ModelUnsupported(str(path), reason)
        raise ModelDamaged(str(path), reason)

    def _create_context(self, path: Path, params: LoadParams, context_length: int) -> Any:
        context_params = self._library.llama_context_default_params()
        context_params.n_ctx = context_length
        context_params.n_batch = self.batch_size
        context_params.n_ubatch = min(self.batch_size, context_params.n_ubatch)
        context_params.n_threads = params.threads or decode_threads()
        context_params.n_threads_batch = params.threads or physical_cores()
        context_params.type_k = context_params.type_v = _KV_TYPES[params.kv_type]
        context_params.abort_callback = self._abort
        context = self._library.llama_init_from_model(self._model, context_params)
        if context:
            return context
        self._library.llama_model_free(self._model)
        reason = self._native.log.last_reason() or "llama.cpp cannot make a context for it"
        raise ModelUnsupported(str(path), reason)

    def _find_end_tokens(self, vocabulary_size: int) -> frozenset[int]:
        is_end = self._library.llama_vocab_is_eog
        size = vocabulary_size or self._library.llama_vocab_n_tokens(self._vocabulary)
        return frozenset(token for token in range(size) if is_end(self._vocabulary, token))

    def _special_texts(self) -> dict[str, str]:
        tokens = {
            "bos_token": self._library.llama_vocab_bos(self._vocabulary),
            "eos_token": self._library.llama_vocab_eos(self._vocabulary),
        }
        return {
            name: self.piece(token, special=True).decode(errors="replace") if token >= 0 else ""
            for name, token in tokens.items()
        }


def choose_context_length(header: GgufHeader, params: LoadParams) -> int:
    """The asked-for context length, else the trained one up to a size that fits most computers."""
    if params.context_length is not None:
        return params.context_length
    trained = header.hyperparameter("context_length")
    return min(trained, DEFAULT_CONTEXT_LENGTH) if trained else DEFAULT_CONTEXT_LENGTH


def check_memory(kv_cache_bytes: int) -> None:
    """Refuse a KV cache that does not fit; weights are mapped and may stay on the disk, the cache may not."""
    free_bytes = available_bytes()
    if kv_cache_bytes > free_bytes:
        raise ModelTooLarge(kv_cache_bytes, free_bytes)

"""A GGUF model in llama.cpp: one model, one context, a KV cache whose positions all sequences share.

Uses the C functions rather than llama-cpp-python's `Llama` class, whose streaming costs grow with the
answer's length and whose prompt processing cannot be cancelled.
"""

import ctypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends.llama import loading
from engine.backends.llama.batch import Batch
from engine.backends.llama.native import Native, load_native
from engine.backends.llama.sampling import ChainSampler
from engine.chat.reasoning_effort import reasoning_efforts
from engine.contract.errors import InternalError, ModelDamaged, ModelUnsupported
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import CacheFull, Cancelled, DecodeCancelled, Entry, Floats, Progress
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.hardware.memory import rss_bytes
from engine.library.describe import describe
from engine.library.gguf import read_header

LONG_CALL_S = 0.1  # calls that may take longer look for a cancel: a look takes 3 µs, after every graph node
LONG_CALL_TOKENS = 16
_DECODED, _DECODE_NO_ROOM, _DECODE_ABORTED = 0, 1, 2  # llama.h, llama_decode
_PARTIAL_STATE = 1  # llama.h, LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY


class LlamaBackend:
    """Implements `engine.generation.backend.Backend` over llama.h."""

    def __init__(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Load a model; the header is checked before llama.cpp sees the file.

        Raises ModelError, InvalidRequest or EngineMissing; DecodeCancelled where `cancelled` became true.
        """
        started, rss_before_bytes = time.perf_counter(), rss_bytes()
        header = read_header(path)
        context_length = loading.choose_context_length(header, params)
        token_bytes = kv_bytes_per_token(header, params.kv_type, params.kv_type_v)
        positions = loading.shared_positions(header, context_length, params)
        loading.check_kv_types(header, params)
        loading.check_memory(token_bytes * positions)
        self._native: Native = load_native()
        self._library = self._native.library
        self.batch_size = min(params.batch_size, context_length)
        devices = self._native.devices()
        self.is_interruptible = len(devices) <= 1 or params.gpu_layers == 0  # llama.h: on CPUs only
        self._model = self._load_model(path, params, progress, cancelled)
        self._vocabulary = self._library.llama_model_get_vocab(self._model)
        self._vocabulary_size = int(self._library.llama_vocab_n_tokens(self._vocabulary))
        is_recurrent = self._library.llama_model_is_recurrent(self._model)
        self.can_truncate = not (is_recurrent or self._library.llama_model_is_hybrid(self._model))
        layout = loading.kv_layout(
            params,
            context_length=context_length,
            shared_positions=positions,
            token_bytes=token_bytes,
            can_truncate=self.can_truncate,
        )
        self.num_slots, self._is_shared = layout.slots, layout.is_shared
        self._context = self._create_context(path, params, layout)
        cells = int(self._library.llama_n_ctx(self._context))
        self.num_positions = self.num_slots * context_length if is_recurrent else cells
        self._memory = self._library.llama_get_memory(self._context)
        self._pieces: dict[tuple[int, bool], bytes] = {}  # those that were asked for, by token and `special`
        self._batch = Batch(self._library, self.batch_size)
        self._cancelled: Cancelled = cancelled
        self._abort = self._library.ggml_abort_callback(lambda _: self._cancelled())
        self._never_abort = self._library.ggml_abort_callback()
        self._looks_for_cancel = False
        self._last_call_s = 0.0
        self.end_tokens = self._find_end_tokens()
        self.chat_template = header.text("tokenizer.chat_template")
        self.template_tokens = self._special_texts()
        self.loaded = LoadedModel(
            info=describe(header),
            backend="llama",
            device=", ".join(devices) or "CPU",
            context_length=context_length,
            kv_bytes_per_token=token_bytes,
            load_ms=1000 * (time.perf_counter() - started),
            backend_version=self._native.version,
            reasoning_efforts=reasoning_efforts(self.chat_template),
            sequences=params.sequences,
            weights_bytes=int(self._library.llama_model_size(self._model)),
            kv_cache_bytes=token_bytes * cells,
            rss_before_bytes=rss_before_bytes,
            rss_after_bytes=rss_bytes(),
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
        if (known := self._pieces.get((token, special))) is None:
            known = self._pieces[token, special] = self._read_piece(token, special=special)
        return known

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        """Compute keys and values of all entries, and logits of those that want them."""
        rows = self._batch.fill(entries)
        self._cancelled = cancelled
        num_tokens = self._batch.native.n_tokens
        self._look_for_cancel(num_tokens > LONG_CALL_TOKENS or self._last_call_s > LONG_CALL_S)
        started = time.perf_counter()
        result = self._library.llama_decode(self._context, self._batch.native)
        if result == _DECODED:
            self._last_call_s = time.perf_counter() - started if num_tokens <= LONG_CALL_TOKENS else 0.0
            return rows
        if result == _DECODE_ABORTED:
            raise DecodeCancelled
        if result == _DECODE_NO_ROOM:
            raise CacheFull
        raise InternalError(f"llama_decode gave {result}: {self._native.log.last_reason()}")

    def logits(self, row: int) -> Floats:
        """A row of logits, (V,), in llama.cpp's own memory."""
        pointer = self._library.llama_get_logits_ith(self._context, row)
        if not pointer:
            raise InternalError(f"row {row} of the last call has no logits")
        return np.ctypeslib.as_array(pointer, (self._vocabulary_size,))

    def truncate(self, slot: int, length: int) -> bool:
        """Forget a slot's positions from `length` on; false, and nothing changed, with recurrent layers."""
        return bool(self._library.llama_memory_seq_rm(self._memory, slot, length, -1))

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the target begin as the source does, up to `length`; in a shared cache that takes no memory."""
        if self._is_shared:
            begin = 0 if self.can_truncate else -1
            self._library.llama_memory_seq_cp(self._memory, source, target, begin, length)
        else:  # llama.cpp copies whole parts only, and aborts for less
            self._library.llama_memory_seq_cp(self._memory, source, target, -1, -1)
            self.truncate(target, length)

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:
        """What a slot holds, as llama.cpp writes it; `partial` leaves keys and values of attention out."""
        flags = _PARTIAL_STATE if partial else 0
        size = self._library.llama_state_seq_get_size_ext(self._context, slot, flags)
        buffer = (ctypes.c_uint8 * size)()
        written = self._library.llama_state_seq_get_data_ext(self._context, buffer, size, slot, flags)
        return bytes(memoryview(buffer)[:written])

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:
        """Bring back what `save_state` gave; without `partial` the slot is emptied where that fails."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        flags = _PARTIAL_STATE if partial else 0
        read = self._library.llama_state_seq_set_data_ext(self._context, buffer, len(state), slot, flags)
        if not read:
            self.truncate(slot, 0)
        return bool(read)

    def states(self, slot: int) -> tuple[()]:  # noqa: ARG002
        """Nothing: it drafts by itself or not at all."""
        return ()

    def drafter(self) -> None:
        """It has none."""

    def expert_counts(self, slot: int) -> tuple[tuple[int, ...], ...]:  # noqa: ARG002
        """Nothing is counted."""
        return ()

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> ChainSampler:
        """llama.cpp's sampler chain, which has seen the prompt's end."""
        sampler = ChainSampler(self._library, self._context, self._vocabulary, params, seed)
        sampler.accept_prompt(history, params.penalty_window)
        return sampler

    def close(self) -> None:
        """Free context and model, in the order llama.cpp needs."""
        if self._context:
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._context = self._model = None

    def _look_for_cancel(self, wanted: bool) -> None:
        if wanted != self._looks_for_cancel:
            self._looks_for_cancel = wanted
            callback = self._abort if wanted else self._never_abort
            self._library.llama_set_abort_callback(self._context, callback, None)

    def _load_model(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> Any:
        self._native.log.clear()
        model = loading.load_model(self._library, path, params, progress, cancelled)
        if model:
            return model
        if cancelled():
            raise DecodeCancelled
        reason = self._native.log.last_reason() or "llama.cpp cannot load it"
        if "unknown model architecture" in reason:
            raise ModelUnsupported(str(path), reason)
        raise ModelDamaged(str(path), reason)

    def _create_context(self, path: Path, params: LoadParams, layout: loading.KvLayout) -> Any:
        context = loading.create_context(
            self._library,
            self._model,
            params,
            layout,
            batch_size=self.batch_size,
        )
        if context:
            return context
        self._library.llama_model_free(self._model)
        reason = self._native.log.last_reason() or "llama.cpp cannot make a context for it"
        raise ModelUnsupported(str(path), reason)

    def _find_end_tokens(self) -> frozenset[int]:
        is_end = self._library.llama_vocab_is_eog
        return frozenset(token for token in range(self._vocabulary_size) if is_end(self._vocabulary, token))

    def _special_texts(self) -> dict[str, str]:
        tokens = {
            "bos_token": self._library.llama_vocab_bos(self._vocabulary),
            "eos_token": self._library.llama_vocab_eos(self._vocabulary),
        }
        return {
            name: self.piece(token, special=True).decode(errors="replace") if token >= 0 else ""
            for name, token in tokens.items()
        }

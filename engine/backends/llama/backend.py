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
from engine.backends.llama.buffer_log import BufferLog
from engine.backends.llama.draft_source import DraftSource, draft_source, wants_mtp
from engine.backends.llama.native import Native, load_native
from engine.backends.llama.pieces import read_piece
from engine.backends.llama.sampling import ChainSampler
from engine.backends.llama.slots import Slots
from engine.chat.reasoning_effort import reasoning_efforts
from engine.contract.errors import InternalError, ModelDamaged, ModelUnsupported
from engine.contract.model_info import LoadedModel
from engine.contract.params import LoadParams, SamplingParams
from engine.generation.backend import CacheFull, Cancelled, DecodeCancelled, Entry, Floats, Progress
from engine.generation.draft import Drafter, States
from engine.generation.vocabulary import Vocabulary
from engine.hardware.compute_buffers import max_outputs
from engine.hardware.kv_cache import has_state, kv_bytes_per_token
from engine.hardware.kv_layout import KvLayout, choose_context_length, recurrent_layout
from engine.hardware.memory import rss_bytes
from engine.library.describe import describe
from engine.library.gguf import read_header
from engine.library.model_shape import shape_of_header

LONG_CALL_S = 0.1  # calls that may take longer look for a cancel: a look takes 3 µs, after every graph node
LONG_CALL_TOKENS = 16
_DECODED, _DECODE_NO_ROOM, _DECODE_ABORTED = 0, 1, 2  # llama.h, llama_decode
# of logits: several rows at once change them by 0.007 in F32 and F16, and not at all in a dense Q8_0, but by
# 0.07 now and then where a router in F32 goes before experts in few bits (docs/benchmarks.md)
NEAR_TIE = 0.05


class LlamaBackend:
    """Implements `engine.generation.backend.Backend` over llama.h."""

    def __init__(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Load a model; the header is checked before llama.cpp sees the file.

        Raises ModelError, InvalidRequest or EngineMissing; DecodeCancelled where `cancelled` became true.
        """
        started, rss_before_bytes = time.perf_counter(), rss_bytes()
        header = read_header(path)
        shape = shape_of_header(header)
        context_length = choose_context_length(shape, params)
        token_bytes = kv_bytes_per_token(shape, params.kv_type, params.kv_type_v)
        loading.check_kv_types(header, params)
        layout = loading.plan_cache(shape, params)
        with_mtp = wants_mtp(header, params)
        self._native: Native = load_native()
        self._library = self._native.library
        self.batch_size = min(params.batch_size, context_length)
        devices = self._native.devices()
        self.is_interruptible = len(devices) <= 1 or params.gpu_layers == 0  # llama.h: on CPUs only
        buffers = BufferLog()
        with self._native.log.heard_by(buffers.take):
            self._model = self._load_model(path, params, progress, cancelled, with_mtp=with_mtp)
        self._vocabulary = self._library.llama_model_get_vocab(self._model)
        self._vocabulary_size = int(self._library.llama_vocab_n_tokens(self._vocabulary))
        is_recurrent = self._library.llama_model_is_recurrent(self._model)
        self.can_truncate = not (is_recurrent or self._library.llama_model_is_hybrid(self._model))
        if not self.can_truncate and not has_state(shape):  # a header that does not show it
            layout = recurrent_layout(shape, params)
        self.num_slots = layout.slots
        self._max_outputs = max_outputs(params, layout.slots)
        with self._native.log.heard_by(buffers.take):
            self._context = self._create_context(path, params, layout)
        cells = int(self._library.llama_n_ctx(self._context))
        self.num_positions = self.num_slots * context_length if is_recurrent else cells
        self._slots = Slots(
            self._library,
            self._context,
            layout.slots,
            is_shared=layout.is_shared,
            is_recurrent=is_recurrent,
            can_truncate=self.can_truncate,
        )
        self._pieces: dict[tuple[int, bool], bytes] = {}  # those that were asked for, by token and `special`
        self._batch = Batch(self._library, self.batch_size)
        self._cancelled: Cancelled = cancelled
        self._abort = self._library.ggml_abort_callback(lambda _: self._cancelled())
        self._never_abort = self._library.ggml_abort_callback()
        self._looks_for_cancel = False
        self._last_call_s = 0.0
        self._entries: Sequence[Entry] = ()  # of the last call
        self.end_tokens = self._find_end_tokens()
        self._drafts = self._draft_source(params, with_mtp=with_mtp)
        self.near_tie = NEAR_TIE
        self.vocabulary = Vocabulary(self.piece, self._vocabulary_size, self.end_tokens)
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
            buffers=buffers.sizes(),
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
            known = read_piece(self._library, self._vocabulary, token, special=special)
            self._pieces[token, special] = known
        return known

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        """Compute keys and values of all entries, and logits of those that want them."""
        if sum(entry.num_logits for entry in entries) > self._max_outputs:  # llama.cpp would abort
            raise InternalError(f"more than {self._max_outputs} rows of logits were asked for in one call")
        ordered = self._slots.in_order(entries)
        rows = self._batch.fill(ordered, self._slots.sequences)
        self._entries = ordered
        self._cancelled = cancelled
        num_tokens = self._batch.native.n_tokens
        self._look_for_cancel(num_tokens > LONG_CALL_TOKENS or self._last_call_s > LONG_CALL_S)
        started = time.perf_counter()
        result = self._library.llama_decode(self._context, self._batch.native)
        if result == _DECODED:
            self._last_call_s = time.perf_counter() - started if num_tokens <= LONG_CALL_TOKENS else 0.0
            return rows if ordered is entries else rows_as_given(entries, ordered, rows)
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
        return self._slots.truncate(slot, length)

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the target begin as the source does, up to `length`; in a shared cache that takes no memory."""
        self._slots.copy(source, target, length)

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:
        """What a slot holds, as llama.cpp writes it; `partial` leaves keys and values of attention out."""
        return self._slots.save(slot, partial=partial)

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:
        """Bring back what `save_state` gave; without `partial` the slot is emptied where that fails."""
        return self._slots.restore(slot, state, partial=partial)

    def states(self, slot: int) -> States:
        """Of the slot's tokens in the last call, what the drafter needs: hidden states (T, C), or ()."""
        if self._drafts is None:
            return ()
        start = 0
        for entry in self._entries:
            if entry.slot == slot:
                return self._drafts.states(start, len(entry.token_ids))
            start += len(entry.token_ids)
        raise InternalError(f"slot {slot} was not in the last call")

    def drafter(self) -> Drafter | None:
        """A drafter for one sequence, None where drafting is off."""
        return self._drafts.drafter() if self._drafts is not None else None

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
            if self._drafts is not None:
                self._drafts.close()
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._context = self._model = None

    def _look_for_cancel(self, wanted: bool) -> None:
        if wanted != self._looks_for_cancel:
            self._looks_for_cancel = wanted
            callback = self._abort if wanted else self._never_abort
            self._library.llama_set_abort_callback(self._context, callback, None)

    def _draft_source(self, params: LoadParams, *, with_mtp: bool) -> DraftSource | None:
        try:
            return draft_source(
                self._library,
                self._model,
                self._context,
                params=params,
                with_mtp=with_mtp,
                batch_size=self.batch_size,
                pieces=lambda: [self.piece(token, special=True) for token in range(self._vocabulary_size)],
                cancelled=self._cancelled,
            )
        except Exception:
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            raise

    def _load_model(
        self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled, *, with_mtp: bool
    ) -> Any:
        self._native.log.clear()
        model = loading.load_model(self._library, path, params, progress, cancelled, with_mtp=with_mtp)
        if model:
            return model
        if cancelled():
            raise DecodeCancelled
        reason = self._native.log.last_reason() or "llama.cpp cannot load it"
        if "unknown model architecture" in reason:
            raise ModelUnsupported(str(path), reason)
        if "alloc" in reason:
            raise loading.no_room(self._native, path)
        raise ModelDamaged(str(path), reason)

    def _create_context(self, path: Path, params: LoadParams, layout: KvLayout) -> Any:
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
        if "alloc" in reason:
            raise loading.no_room(self._native, path)
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


def rows_as_given(entries: Sequence[Entry], ordered: Sequence[Entry], rows: list[int]) -> list[int]:
    """The first rows of the entries in the order in which they were given."""
    row_of = {entry.slot: row for entry, row in zip(ordered, rows, strict=True)}
    return [row_of[entry.slot] for entry in entries]

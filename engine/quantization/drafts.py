"""How often a model agrees with the drafts of its own MTP head, on a text: the acceptance of greedy answers.

At every position the head drafts the token after the next from the model's hidden state and the next token
(DeepSeek-V3, arXiv:2412.19437, 2.2); it would be accepted where the model itself finds the same token
likeliest. The head runs in a second context on the same model, through llama.cpp's interface for it, which
only the pinned version has in this form.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.native import load_native
from engine.contract.errors import InternalError, ModelDamaged
from engine.hardware.memory import decode_threads
from engine.library.gguf import GgufHeader, read_header
from engine.quantization.quality import log_softmax

ARCHITECTURE = "deepseek2"  # the one whose head has been compared with another engine's
MTP_CONTEXT = 1  # LLAMA_CONTEXT_TYPE_MTP
MAX_CHUNKS = 4  # some thousand drafts tell types apart

Floats = NDArray[np.float32]


def has_mtp_head(header: GgufHeader) -> bool:
    """Whether llama.cpp can run the head of a file; it aborts where one of these is otherwise."""
    names = {tensor.name for tensor in header.tensors}
    layer = header.hyperparameter("block_count") - 1
    return (
        header.architecture == ARCHITECTURE
        and header.hyperparameter("nextn_predict_layers") == 1
        and header.hyperparameter("attention.q_lora_rank") > 0
        and {f"blk.{layer}.nextn.eh_proj.weight", f"blk.{layer}.ffn_gate_shexp.weight"} <= names
    )


def measure_drafts(path: Path, chunks: Sequence[Sequence[int]]) -> float | None:
    """The share of accepted drafts over the second half of the chunks; None for a model without such a head.

    Raises ModelDamaged for a file that llama.cpp cannot load with its head.
    """
    if not has_mtp_head(read_header(path)):
        return None
    with _MtpModel(path, max(map(len, chunks))) as model:
        accepted = [model.accepted(chunk) for chunk in chunks[:MAX_CHUNKS]]
    return float(np.concatenate(accepted).mean())


def draft_scores(path: Path, chunks: Sequence[Sequence[int]]) -> Floats:
    """The head's log-probabilities over the second half of the chunks, (T, V)."""
    with _MtpModel(path, max(map(len, chunks))) as model:
        return np.concatenate([log_softmax(model.drafts(chunk)[1]) for chunk in chunks[:MAX_CHUNKS]])


class _MtpModel:
    """A model with its MTP head: a context for each."""

    def __init__(self, path: Path, num_context: int) -> None:
        native = load_native()
        import llama_cpp.llama_cpp_ext as ext  # noqa: PLC0415  (of llama_cpp, which is loaded late)

        self._library, self._ext = native.library, ext
        params = self._library.llama_model_default_params()
        params.load_mtp = True
        self._model = self._library.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelDamaged(str(path), native.log.last_reason() or "llama.cpp cannot load its MTP head")
        self._size = int(self._library.llama_model_n_embd(self._model))
        vocabulary = self._library.llama_model_get_vocab(self._model)
        self._vocabulary_size = int(self._library.llama_vocab_n_tokens(vocabulary))
        self._target = self._make_context(num_context, None)
        self._draft = self._make_context(num_context, self._target)
        ext.llama_set_embeddings_nextn(self._target, True, False)
        ext.llama_set_embeddings_nextn(self._draft, True, True)

    def __enter__(self) -> "_MtpModel":
        return self

    def __exit__(self, *_: object) -> None:
        self._library.llama_free(self._draft)
        self._library.llama_free(self._target)
        self._library.llama_model_free(self._model)

    def accepted(self, chunk: Sequence[int]) -> NDArray[np.bool_]:
        """Whether the model agrees with each draft of the chunk's second half."""
        expected, drafted = self.drafts(chunk)
        agrees: NDArray[np.bool_] = drafted.argmax(axis=-1) == expected.argmax(axis=-1)
        return agrees

    def drafts(self, chunk: Sequence[int]) -> tuple[Floats, Floats]:
        """The logits of the model and of its head for the same tokens of the second half, (T, V) each."""
        first = len(chunk) // 2
        expected = self._decode(self._target, chunk, None)  # (T, V)
        states = self._floats(self._ext.llama_get_embeddings_nextn(self._target), len(chunk), self._size)
        drafted = self._decode(self._draft, chunk[1:], states[:-1])  # (T - 1, V)
        return expected[1 + first :], drafted[first:]

    def _decode(self, context: Any, tokens: Sequence[int], states: Floats | None) -> Floats:
        """The logits (T, V) of tokens from position 0 on, or the head's from 1 on with states (T, C)."""
        library, start = self._library, 0 if states is None else 1
        library.llama_memory_clear(library.llama_get_memory(context), True)
        batch = library.llama_batch_init(len(tokens), 0 if states is None else self._size, 1)
        ids = (ctypes.c_int32 * len(tokens))(*tokens)
        if states is not None:  # a batch of states has no room for tokens, which the head takes as well
            values = np.ascontiguousarray(states, np.float32)
            ctypes.memmove(batch.embd, values.ctypes.data, values.nbytes)
            batch.token = ctypes.cast(ids, ctypes.POINTER(ctypes.c_int32))
        batch.n_tokens = len(tokens)
        for place, token in enumerate(tokens):
            batch.token[place], batch.pos[place], batch.logits[place] = token, start + place, True
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        failed = library.llama_decode(context, batch)
        if states is not None:
            batch.token = None  # ours: not for llama.cpp to free
        library.llama_batch_free(batch)
        if failed:
            raise InternalError("llama.cpp could not compute a chunk's drafts")
        return self._floats(library.llama_get_logits(context), len(tokens), self._vocabulary_size)

    def _make_context(self, num_context: int, target: Any) -> Any:
        params = self._library.llama_context_default_params()
        params.n_ctx = params.n_batch = num_context
        params.n_threads = params.n_threads_batch = decode_threads()
        if target is not None:
            params.ctx_type, params.ctx_other = MTP_CONTEXT, target
        context = self._library.llama_init_from_model(self._model, params)
        if not context:
            raise InternalError("llama.cpp cannot make a context for the MTP head")
        return context

    def _floats(self, pointer: Any, rows: int, columns: int) -> Floats:
        found = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(found, (rows, columns)).copy()

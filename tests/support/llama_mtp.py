"""A model's MTP layer in llama.cpp, through its unstable interface: only to compare with.

The layer runs in a second context on the same model. Its input at a position is the token there and the
hidden state of the position before, after the last norm; it predicts the token at the next position.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp_ext as ext
from numpy.typing import NDArray

from tests.support.llama_logits import F32, NO_FLASH_ATTENTION

Floats = NDArray[np.float32]
MTP_CONTEXT = 1  # LLAMA_CONTEXT_TYPE_MTP


class MtpModel:
    """A target context and a draft context, both with an empty cache."""

    def __init__(self, model: Any, num_context: int) -> None:
        self.model = model
        self.size: int = llama_cpp.llama_model_n_embd(model)
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        target = llama_cpp.llama_context_default_params()
        target.n_ctx, target.n_batch, target.n_threads, target.n_threads_batch = (
            num_context,
            num_context,
            1,
            1,
        )
        target.n_rs_seq = 1
        target.type_k = target.type_v = F32
        target.flash_attn_type = NO_FLASH_ATTENTION
        self.target = llama_cpp.llama_init_from_model(model, target)
        draft = llama_cpp.llama_context_default_params()
        draft.n_ctx, draft.n_batch, draft.n_threads, draft.n_threads_batch = num_context, num_context, 1, 1
        draft.type_k, draft.type_v, draft.flash_attn_type = F32, F32, NO_FLASH_ATTENTION
        draft.ctx_type, draft.ctx_other, draft.n_rs_seq = MTP_CONTEXT, self.target, 0
        self.draft = llama_cpp.llama_init_from_model(model, draft)
        ext.llama_set_embeddings_nextn(self.target, True, False)
        ext.llama_set_embeddings_nextn(self.draft, True, True)

    def hidden(self, token_ids: Sequence[int], position: int) -> tuple[Floats, Floats]:
        """Decode T tokens: logits (T, V) and hidden states after the last norm (T, C)."""
        batch = llama_cpp.llama_batch_init(len(token_ids), 0, 1)
        _fill(batch, token_ids, position)
        assert llama_cpp.llama_decode(self.target, batch) == 0
        llama_cpp.llama_batch_free(batch)
        states = _floats(ext.llama_get_embeddings_nextn(self.target), len(token_ids), self.size)
        return self._logits(self.target, len(token_ids)), states

    def drafted(self, token_ids: Sequence[int], hidden: Floats, position: int) -> Floats:
        """The MTP layer's logits (T, V) for tokens and the hidden states (T, C) of the positions before."""
        batch = llama_cpp.llama_batch_init(len(token_ids), self.size, 1)
        ids = (ctypes.c_int32 * len(token_ids))(*token_ids)
        batch.token = ctypes.cast(ids, ctypes.POINTER(ctypes.c_int32))
        values = np.ascontiguousarray(hidden, dtype=np.float32)
        ctypes.memmove(batch.embd, values.ctypes.data, values.nbytes)
        _fill(batch, token_ids, position)
        assert llama_cpp.llama_decode(self.draft, batch) == 0
        batch.token = None  # ours: not for llama.cpp to free
        llama_cpp.llama_batch_free(batch)
        return self._logits(self.draft, len(token_ids))

    def truncate(self, length: int) -> None:
        """Forget every position from `length` on, in both contexts."""
        for context in (self.target, self.draft):
            assert llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(context), 0, length, -1)

    def _logits(self, context: Any, count: int) -> Floats:
        return _floats(llama_cpp.llama_get_logits(context), count, self.vocabulary_size)

    def close(self) -> None:
        """Free both contexts."""
        llama_cpp.llama_free(self.draft)
        llama_cpp.llama_free(self.target)


@contextmanager
def open_mtp(path: Path, *, num_context: int = 512) -> Iterator[MtpModel]:
    """Load a file with its MTP layer."""
    llama_cpp.llama_backend_init()
    params = llama_cpp.llama_model_default_params()
    params.n_gpu_layers, params.load_mtp = 0, True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    contexts = MtpModel(model, num_context)
    try:
        yield contexts
    finally:
        contexts.close()
        llama_cpp.llama_model_free(model)


def greedy_with_drafts(
    model: MtpModel, prompt: Sequence[int], count: int, end: int
) -> tuple[list[int], int, int]:
    """Greedy tokens with one draft each time: the tokens, how many drafts were made and how many kept."""
    logits, hidden = model.hidden(prompt, 0)
    model.drafted(prompt[1:], hidden[:-1], 1)
    answer, state = [int(logits[-1].argmax())], hidden[-1:]
    made = kept = 0
    while len(answer) < count and answer[-1] != end:
        position = len(prompt) + len(answer) - 1  # of the newest token
        draft = int(model.drafted(answer[-1:], state, position)[0].argmax())
        logits, hidden = model.hidden([answer[-1], draft], position)
        first, second = (int(row.argmax()) for row in logits)
        made += 1
        answer.append(first)
        if first == draft:
            kept += 1
            model.drafted([first], hidden[:1], position + 1)
            state = hidden[1:2]
            if first != end:
                answer.append(second)
        else:
            model.truncate(position + 1)
            state = hidden[:1]
    return answer[:count], made, kept


def _fill(batch: Any, token_ids: Sequence[int], position: int) -> None:
    batch.n_tokens = len(token_ids)
    for place, token_id in enumerate(token_ids):
        batch.token[place] = token_id
        batch.pos[place], batch.n_seq_id[place] = position + place, 1
        batch.seq_id[place][0], batch.logits[place] = 0, 1


def _floats(pointer: Any, rows: int, columns: int) -> Floats:
    return np.ctypeslib.as_array(pointer, shape=(rows, columns)).copy()

"""What llama.cpp computes with a file, as exactly as it can: F32 KV cache, plain attention, one thread."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.native import load_native

F32 = 0  # GGML_TYPE_F32
NO_FLASH_ATTENTION = 0  # LLAMA_FLASH_ATTN_TYPE_DISABLED

Floats = NDArray[np.float32]


class ExactLlama:
    """A loaded file; every text is computed anew."""

    def __init__(self, path: Path, num_context: int = 512) -> None:
        load_native()  # its log stays, whoever loads next
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        assert self.model, f"llama.cpp does not load {path}"
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = num_context
        params.n_threads = params.n_threads_batch = 1
        params.type_k = params.type_v = F32
        params.flash_attn_type = NO_FLASH_ATTENTION
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        assert self.context
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.vocabulary_size: int = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

    def logits(self, token_ids: Sequence[int]) -> Floats:
        """Of every position, (T, V)."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        batch = llama_cpp.llama_batch_init(len(token_ids), 0, 1)
        batch.n_tokens = len(token_ids)
        for index, token in enumerate(token_ids):
            batch.token[index], batch.pos[index], batch.logits[index] = token, index, True
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
        assert llama_cpp.llama_decode(self.context, batch) == 0
        llama_cpp.llama_batch_free(batch)
        found: Any = llama_cpp.llama_get_logits(self.context)
        return np.ctypeslib.as_array(found, (len(token_ids), self.vocabulary_size)).copy()

    def tokens(self, text: str, *, parses_special: bool = False) -> list[int]:
        """The ids of a text, without begin and end tokens."""
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(
            self.vocabulary, data, len(data), ids, len(ids), False, parses_special
        )
        return list(ids[:count])

    def close(self) -> None:
        """Free context and model."""
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def llama_logits(path: Path, token_ids: Sequence[int]) -> Floats:
    """The logits (T, V) of one text."""
    llama = ExactLlama(path)
    found = llama.logits(token_ids)
    llama.close()
    return found

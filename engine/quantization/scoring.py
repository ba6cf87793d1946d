"""The logits of a GGUF model over a text, chunk by chunk, as llama.cpp's perplexity tool takes them.

The text is tokenized once and cut into chunks of `chunk_length` tokens; where the vocabulary adds a begin
token, every chunk's first token is replaced by it. Only the second half of a chunk counts, so that every
scored token has at least half a chunk of context (llama.cpp, tools/perplexity).
"""

import ctypes
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.native import load_native
from engine.contract.errors import InternalError, InvalidRequest, ModelDamaged
from engine.hardware.memory import decode_threads
from engine.library.gguf import read_header
from engine.quantization.activations import ProductListener

CHUNK_LENGTH = 512


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """The scored half of one chunk."""

    targets: NDArray[np.int32]  # (T,): the tokens that really follow
    logits: NDArray[np.float32]  # (T, V): what the model expects in their places


class ScoringModel:
    """A model that is only asked for logits; close it, or use it as a context."""

    def __init__(
        self,
        path: Path,
        *,
        chunk_length: int = CHUNK_LENGTH,
        threads: int | None = None,
        listener: ProductListener | None = None,
    ) -> None:
        """Load the model with llama.cpp's default context params; raises ModelError.

        `listener` hears every product that the model computes.
        """
        read_header(path)  # refuses what would make llama.cpp abort
        if chunk_length < 4:
            raise InvalidRequest(f"a chunk of {chunk_length} tokens is too short to score")
        self.path = path
        self.chunk_length = chunk_length
        native = load_native()
        self._library = native.library
        native.log.clear()
        self._model = self._library.llama_model_load_from_file(
            os.fsencode(path), self._library.llama_model_default_params()
        )
        if not self._model:
            raise ModelDamaged(str(path), native.log.last_reason() or "llama.cpp cannot load it")
        self._vocab = self._library.llama_model_get_vocab(self._model)
        self.vocabulary_size = int(self._library.llama_vocab_n_tokens(self._vocab))
        self._context = self._make_context(threads, listener)
        self._batch = self._library.llama_batch_init(chunk_length, 0, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free context and model, in the order llama.cpp needs."""
        if self._model:
            self._library.llama_batch_free(self._batch)
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._model = None

    @cached_property
    def vocabulary_digest(self) -> str:
        """SHA-256 over the texts of all tokens in their order: equal where token ids mean the same."""
        digest = hashlib.sha256()
        for token in range(self.vocabulary_size):
            digest.update(self._library.llama_vocab_get_text(self._vocab, token))
            digest.update(b"\0")
        return digest.hexdigest()

    def chunks_of(self, text: str) -> list[list[int]]:
        """The whole chunks of a text; what is left at its end is not scored. Raises InvalidRequest."""
        tokens = self._tokenize(text)
        num_chunks = len(tokens) // self.chunk_length
        if not num_chunks:
            raise InvalidRequest(
                f"the text has {len(tokens)} tokens; at least {self.chunk_length} are needed to score it"
            )
        chunks = [
            tokens[start : start + self.chunk_length]
            for start in range(0, num_chunks * self.chunk_length, self.chunk_length)
        ]
        if self._library.llama_vocab_get_add_bos(self._vocab):
            begin = int(self._library.llama_vocab_bos(self._vocab))
            chunks = [[begin, *chunk[1:]] for chunk in chunks]
        return chunks

    def score(self, chunks: Sequence[Sequence[int]]) -> Iterator[ScoredChunk]:
        """The scored half of each chunk. The logits are only valid until the next one is asked for."""
        first = self.chunk_length // 2
        for chunk in chunks:
            logits = self._decode(chunk, first, len(chunk) - 1)
            yield ScoredChunk(np.asarray(chunk[first + 1 :], np.int32), logits)

    def read(self, chunk: Sequence[int]) -> None:
        """Compute a chunk with all its outputs: every matrix sees every token."""
        self._decode(chunk, 0, len(chunk))

    def continue_with(self, tokens: Sequence[int], start: int) -> None:
        """Compute tokens at the positions from `start` on, the last one's logits only; 0 begins anew."""
        self._decode(tokens, len(tokens) - 1, len(tokens), start)

    def _decode(self, chunk: Sequence[int], first: int, last: int, start: int = 0) -> NDArray[np.float32]:
        """The logits of the chunk's tokens from `first` to before `last`, (T, V), as a view."""
        library, batch, length = self._library, self._batch, len(chunk)
        if start == 0:
            library.llama_memory_clear(library.llama_get_memory(self._context), True)
        batch.n_tokens = length
        for index, token in enumerate(chunk):
            batch.token[index] = token
            batch.pos[index] = start + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = first <= index < last
        if library.llama_decode(self._context, batch) != 0:
            raise InternalError("llama.cpp could not compute a chunk")
        pointer = library.llama_get_logits(self._context)
        shape = (last - first, self.vocabulary_size)
        return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), shape)

    def _tokenize(self, text: str) -> list[int]:
        data = text.encode()
        size, count = len(data) + 8, -1
        while count < 0:  # a space that is no token of its own becomes three bytes
            tokens = (ctypes.c_int32 * size)()
            count = self._library.llama_tokenize(self._vocab, data, len(data), tokens, size, True, False)
            size = max(size, -count)
        return list(tokens[:count])

    def _make_context(self, threads: int | None, listener: ProductListener | None) -> Any:
        params = self._library.llama_context_default_params()
        params.n_ctx = params.n_batch = self.chunk_length
        params.n_threads = params.n_threads_batch = threads or decode_threads()
        if listener is not None:
            params.cb_eval = listener.callback
        context = self._library.llama_init_from_model(self._model, params)
        if not context:
            self._library.llama_model_free(self._model)
            raise ModelDamaged(str(self.path), "llama.cpp cannot make a context for it")
        return context

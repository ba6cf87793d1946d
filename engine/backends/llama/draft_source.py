"""Where the drafts of a llama backend come from: chosen and loaded once, a drafter for every sequence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

import numpy as np

from engine.backends.llama import loading
from engine.backends.llama.draft_context import DraftContext, MtpContext
from engine.backends.llama.drafters import LlamaModelDrafter, LlamaMtpDrafter
from engine.backends.llama.pieces import read_piece
from engine.contract.errors import InvalidRequest, ModelUnsupported
from engine.contract.params import LoadParams
from engine.generation.backend import Cancelled, Floats
from engine.generation.draft import Drafter, PromptLookup
from engine.library.gguf import GgufHeader, read_header


class DraftSource(Protocol):
    """Drafters for a backend's sequences."""

    def drafter(self) -> Drafter:
        """A fresh one."""
        ...

    def states(self, start: int, length: int) -> Any:
        """What the drafter of a sequence needs of rows of the last batch: (length, C), or ()."""
        ...

    def close(self) -> None:
        """Free what it loaded, before the backend's own context."""
        ...


class TextDrafts:
    """Passages of the text that come again."""

    def drafter(self) -> PromptLookup:
        """A fresh one."""
        return PromptLookup()

    def states(self, start: int, length: int) -> tuple[()]:  # noqa: ARG002
        """Nothing."""
        return ()

    def close(self) -> None:
        """Nothing was loaded."""


class MtpDrafts:
    """The model's own MTP layer, in a context beside that of the model."""

    def __init__(self, library: Any, model: Any, context: Any, params: LoadParams, batch_size: int) -> None:
        """Raises ModelUnsupported where llama.cpp makes no context for the layer."""
        from llama_cpp import llama_cpp_ext  # noqa: PLC0415  (loads the library)

        length = int(library.llama_n_ctx_seq(context))
        native = loading.create_draft_context(
            library, model, params, length=length, batch_size=batch_size, mtp_of=context
        )
        if not native:
            raise ModelUnsupported("its MTP layer", "llama.cpp cannot make a context for it")
        self._set_states = llama_cpp_ext.llama_set_embeddings_nextn
        self._set_states(native, True, True)
        self._awake = WeakSet[LlamaMtpDrafter]()  # those that need the model's hidden states
        self._has_states = True  # whether the model's context keeps them; they cost it a few µs a token
        self._set_states(context, True, False)
        self._read_states = llama_cpp_ext.llama_get_embeddings_nextn
        self._target = context
        self._hidden_size = int(library.llama_model_n_embd_out(model))
        self._context = MtpContext(
            library,
            native,
            num_sequences=params.sequences + 1,
            batch_size=batch_size,
            vocabulary_size=int(library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))),
            hidden_size=self._hidden_size,
        )

    def drafter(self) -> LlamaMtpDrafter:
        """A fresh one."""
        drafter = LlamaMtpDrafter(self._context, self._wake)
        if self._has_states:
            self._awake.add(drafter)
        return drafter

    def states(self, start: int, length: int) -> Floats:
        """Hidden states after the last norm, (length, C); none while all drafters rest."""
        if not self._has_states:
            return np.empty((0, self._hidden_size), np.float32)
        pointer = self._read_states(self._target)
        all_rows = np.ctypeslib.as_array(pointer, (start + length, self._hidden_size))
        return all_rows[start:].copy()

    def close(self) -> None:
        """Free the context of the layer."""
        self._context.close()

    def _wake(self, drafter: LlamaMtpDrafter, is_awake: bool) -> None:
        """Keep hidden states as long as one drafter needs them."""
        (self._awake.add if is_awake else self._awake.discard)(drafter)
        if bool(self._awake) != self._has_states:
            self._has_states = not self._has_states
            self._set_states(self._target, self._has_states, False)


class ModelDrafts:
    """A smaller model with the same vocabulary."""

    def __init__(
        self, library: Any, params: LoadParams, *, length: int, pieces: list[bytes], cancelled: Cancelled
    ) -> None:
        """`pieces` are the bytes of all tokens of the model that checks the guesses.

        Raises ModelError, or InvalidRequest for another vocabulary.
        """
        path = Path(params.draft_model)
        header = read_header(path)
        self._library = library
        own = replace(params, placement=None)
        self._model = loading.load_model(library, path, own, lambda _: None, cancelled)
        if not self._model:
            raise ModelUnsupported(str(path), "llama.cpp cannot load it as a draft model")
        try:
            self._context = self._make_context(header, own, length, pieces)
        except Exception:
            library.llama_model_free(self._model)
            raise

    def _make_context(
        self, header: GgufHeader, params: LoadParams, length: int, pieces: list[bytes]
    ) -> DraftContext:
        library, name = self._library, Path(params.draft_model).name
        vocabulary = library.llama_model_get_vocab(self._model)
        num_tokens = int(library.llama_vocab_n_tokens(vocabulary))
        if [read_piece(library, vocabulary, token, special=True) for token in range(num_tokens)] != pieces:
            raise InvalidRequest(
                f"the draft model {name} has another vocabulary ({num_tokens} tokens) than the model "
                f"({len(pieces)}); only models of one family can draft for each other"
            )
        trained = header.hyperparameter("context_length") or length
        native = loading.create_draft_context(
            library, self._model, params, length=min(length, trained), batch_size=params.batch_size
        )
        if not native:
            raise ModelUnsupported(name, "llama.cpp cannot make a context for it as a draft model")
        return DraftContext(
            library,
            native,
            num_sequences=params.sequences + 1,
            batch_size=params.batch_size,
            vocabulary_size=num_tokens,
        )

    def drafter(self) -> LlamaModelDrafter:
        """A fresh one."""
        return LlamaModelDrafter(self._context)

    def states(self, start: int, length: int) -> tuple[()]:  # noqa: ARG002
        """Nothing."""
        return ()

    def close(self) -> None:
        """Free the smaller model."""
        self._context.close()
        if self._model:
            self._library.llama_model_free(self._model)
            self._model = None


def wants_mtp(header: GgufHeader, params: LoadParams) -> bool:
    """Whether to load the model's MTP layer: where drafts are wanted and no other model makes them."""
    has_layer = header.hyperparameter("nextn_predict_layers") > 0
    return has_layer and params.draft_tokens != 0 and not params.draft_model


def draft_source(
    library: Any,
    model: Any,
    context: Any,
    *,
    params: LoadParams,
    with_mtp: bool,
    batch_size: int,
    pieces: Callable[[], list[bytes]],
    cancelled: Cancelled,
) -> DraftSource | None:
    """The draft model, else the model's MTP layer, else the text itself; None where drafting is off.

    `pieces` gives the bytes of all tokens; it is asked only where vocabularies are compared.
    """
    if params.draft_tokens == 0:
        return None
    if params.draft_model:
        length = int(library.llama_n_ctx_seq(context))
        return ModelDrafts(library, params, length=length, pieces=pieces(), cancelled=cancelled)
    if with_mtp:
        return MtpDrafts(library, model, context, params, batch_size)
    return TextDrafts()

"""llama.cpp's own samplers, in the order in which llama.cpp's programs apply them.

A grammar is not a link of the chain: checking a whole vocabulary against it takes milliseconds. The token
that the chain picks is checked alone; only when the grammar refuses it all are filtered and one picked anew.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.backends.llama.grammar import compile_grammar
from engine.contract.errors import InvalidRequest
from engine.contract.params import SamplingParams
from engine.generation.sampling_steps import DRY_BREAKERS

_CANDIDATE = np.dtype(
    [("id", np.int32), ("logit", np.float32), ("p", np.float32)]
)  # llama.h, llama_token_data


class ChainSampler:
    """A sampler chain for one request, on one context."""

    def __init__(
        self, library: Any, context: Any, vocabulary: Any, params: SamplingParams, seed: int
    ) -> None:
        """Build the chain; raises InvalidRequest for a grammar or token id that cannot be used."""
        self._library, self._context = library, context
        self._vocabulary_size = int(library.llama_vocab_n_tokens(vocabulary))
        self._grammar = compile_grammar(library, vocabulary, params)
        self._chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        try:
            for link in self._links(vocabulary, params, seed):
                library.llama_sampler_chain_add(self._chain, link)
        except InvalidRequest:
            self.close()
            raise
        self._bias = dict(params.logit_bias)
        self._biased = np.array(list(self._bias), dtype=np.int64)  # (n,) token ids
        self._biases = np.array(list(self._bias.values()), dtype=np.float32)  # (n,)
        self.sample: Callable[[int], int] = self._sample_freely
        if self._grammar:
            self.sample = self._sample_in_grammar
        elif takes_likeliest(params) and len(self._bias) == len(params.logit_bias):
            self.sample = self._take_likeliest

    def accept_prompt(self, token_ids: Sequence[int], window: int) -> None:
        """Let penalties see the end of the prompt; the grammar begins with the answer."""
        for token in token_ids if window < 0 else token_ids[max(0, len(token_ids) - window) :]:
            self._library.llama_sampler_accept(self._chain, token)

    def accept(self, token: int) -> None:
        """Take note of a token that was not sampled; the grammar only of what it allows."""
        if self._grammar and self._grammar_allows(token):
            self._library.llama_sampler_accept(self._grammar, token)
        self._library.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        """Free the chain with everything in it."""
        for sampler in (self._chain, self._grammar):
            if sampler:
                self._library.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _links(self, vocabulary: Any, params: SamplingParams, seed: int) -> list[Any]:
        library, size, links = self._library, self._vocabulary_size, list[Any]()
        if params.logit_bias:
            links.append(self._logit_bias(params))
        if params.repeat_penalty != 1 or params.frequency_penalty or params.presence_penalty:
            window, repeat = self._window(params), params.repeat_penalty
            frequency, presence = params.frequency_penalty, params.presence_penalty
            links.append(library.llama_sampler_init_penalties(size, window, repeat, frequency, presence))
        if params.dry_multiplier:
            links.append(self._dry(vocabulary, params))
        if params.temperature == 0:
            return [*links, library.llama_sampler_init_greedy()]
        if params.top_k:
            links.append(library.llama_sampler_init_top_k(params.top_k))
        if params.typical_p < 1:
            links.append(library.llama_sampler_init_typical(params.typical_p, 1))
        if params.top_p < 1:
            links.append(library.llama_sampler_init_top_p(params.top_p, 1))
        if params.min_p:
            links.append(library.llama_sampler_init_min_p(params.min_p, 1))
        if params.xtc_probability:
            probability, threshold = params.xtc_probability, params.xtc_threshold
            links.append(library.llama_sampler_init_xtc(probability, threshold, 1, seed))
        links.append(library.llama_sampler_init_temp(params.temperature))
        return [*links, library.llama_sampler_init_dist(seed)]

    def _window(self, params: SamplingParams) -> int:
        whole = int(self._library.llama_n_ctx(self._context))
        return whole if params.penalty_window < 0 else min(params.penalty_window, whole)

    def _logit_bias(self, params: SamplingParams) -> Any:
        if outside := [token for token, _ in params.logit_bias if token >= self._vocabulary_size]:
            raise InvalidRequest(f"logit_bias names token {outside[0]}, there are {self._vocabulary_size}")
        entries = (self._library.llama_logit_bias * len(params.logit_bias))(*params.logit_bias)
        return self._library.llama_sampler_init_logit_bias(self._vocabulary_size, len(entries), entries)

    def _dry(self, vocabulary: Any, params: SamplingParams) -> Any:
        breakers = (ctypes.c_char_p * len(DRY_BREAKERS))(*DRY_BREAKERS)
        return self._library.llama_sampler_init_dry(
            vocabulary,
            params.dry_multiplier,
            params.dry_base,
            params.dry_allowed_length,
            self._window(params),
            breakers,
            len(breakers),
        )

    def _sample_freely(self, row: int) -> int:
        return int(self._library.llama_sampler_sample(self._chain, self._context, row))

    def _take_likeliest(self, row: int) -> int:
        """What the chain would take, 8 times as quickly with 49,000 tokens: it makes a candidate of each."""
        pointer = self._library.llama_get_logits_ith(self._context, row)
        logits = np.ctypeslib.as_array(pointer, (self._vocabulary_size,))  # (V,), llama.cpp's own memory
        if not self._bias:
            return int(logits.argmax())
        before = logits[self._biased]  # (n,)
        logits[self._biased] += self._biases
        token = int(logits.argmax())
        logits[self._biased] = before
        return token

    def _sample_in_grammar(self, row: int) -> int:
        library = self._library
        token = self._pick(self._candidates(row), filter_first=False)
        if not self._grammar_allows(token):
            token = self._pick(self._candidates(row), filter_first=True)
        library.llama_sampler_accept(self._grammar, token)
        library.llama_sampler_accept(self._chain, token)
        return token

    def _pick(self, candidates: np.ndarray, *, filter_first: bool) -> int:
        array = self._token_data_array(candidates)
        if filter_first:
            self._library.llama_sampler_apply(self._grammar, ctypes.byref(array))
        self._library.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _grammar_allows(self, token: int) -> bool:
        alone = np.array([(token, 1.0, 0.0)], _CANDIDATE)
        array = self._token_data_array(alone)
        self._library.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return bool(np.isfinite(alone["logit"][0]))

    def _candidates(self, row: int) -> np.ndarray:
        """A row of logits of the last decode call as llama.cpp's candidates, shape (V,)."""
        logits = self._library.llama_get_logits_ith(self._context, row)
        candidates = np.zeros(self._vocabulary_size, _CANDIDATE)
        candidates["id"] = np.arange(self._vocabulary_size)
        candidates["logit"] = np.ctypeslib.as_array(logits, (self._vocabulary_size,))
        return candidates

    def _token_data_array(self, candidates: np.ndarray) -> Any:
        data = candidates.ctypes.data_as(ctypes.POINTER(self._library.llama_token_data))
        return self._library.llama_token_data_array(data, len(candidates), -1, False)


def takes_likeliest(params: SamplingParams) -> bool:
    """Whether the next token depends on nothing but logits and biases: greedy, without penalties."""
    has_penalties = params.repeat_penalty != 1 or params.frequency_penalty or params.presence_penalty
    return params.temperature == 0 and not has_penalties and not params.dry_multiplier

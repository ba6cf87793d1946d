"""llama.cpp's own sampler chain, in the order in which llama.cpp's programs apply it."""

from collections.abc import Sequence
from typing import Any

from engine.contract.params import SamplingParams

PENALTY_WINDOW = 64  # tokens that a repeat penalty looks back on


class ChainSampler:
    """A sampler chain for one request, on one context."""

    def __init__(self, library: Any, context: Any, params: SamplingParams, seed: int) -> None:
        self._library, self._context = library, context
        self._chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        if params.repeat_penalty != 1:
            self._add(library.llama_sampler_init_penalties(PENALTY_WINDOW, params.repeat_penalty, 0.0, 0.0))
        if params.temperature == 0:
            self._add(library.llama_sampler_init_greedy())
            return
        if params.top_k > 0:
            self._add(library.llama_sampler_init_top_k(params.top_k))
        if params.top_p < 1:
            self._add(library.llama_sampler_init_top_p(params.top_p, 1))
        if params.min_p > 0:
            self._add(library.llama_sampler_init_min_p(params.min_p, 1))
        self._add(library.llama_sampler_init_temp(params.temperature))
        self._add(library.llama_sampler_init_dist(seed))

    def accept(self, token_ids: Sequence[int]) -> None:
        """Let penalties see the end of the prompt."""
        for token in token_ids[-PENALTY_WINDOW:]:
            self._library.llama_sampler_accept(self._chain, token)

    def sample(self) -> int:
        """The next token, from the logits of the last decoded position."""
        return int(self._library.llama_sampler_sample(self._chain, self._context, -1))

    def close(self) -> None:
        """Free the chain with everything in it."""
        if self._chain:
            self._library.llama_sampler_free(self._chain)
            self._chain = None

    def _add(self, sampler: Any) -> None:
        self._library.llama_sampler_chain_add(self._chain, sampler)

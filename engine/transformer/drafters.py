"""Drafters of the torch engine: a model's own MTP layers, or a smaller model with the same vocabulary."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.generation.draft import Choose, Draft, States
from engine.transformer.model import Transformer

MANY_PARTS = 256  # of hidden states, before they are copied together


class MtpDrafter:
    """Guesses of the model's MTP layers (DeepSeek-V3, arXiv:2412.19437, section 2.2).

    The first guess is that of the first layer, the second that of the second, and so on; where more are
    wanted than there are layers, the last goes on from its own output, as llama.cpp and vLLM do with V3's.
    Depth d at position i needs what depth d - 1 made of i and the token at i + d + 1, so each depth waits
    until that token is known. Rows of guesses are overwritten when the true tokens are observed.
    """

    def __init__(self, model: Transformer, max_length: int) -> None:
        self._model = model
        self._cache = model.new_mtp_cache(max_length + len(model.mtp_layers) + 1)
        num_layers = len(model.mtp_layers)
        self._done = [0] * num_layers  # positions computed with true tokens, per depth
        self._nothing = torch.empty(0, model.config.hidden_size, dtype=model.dtype, device=model.device)
        self._waiting = [self._nothing] * num_layers  # hidden states of the depth before, from `done` on
        self._observed: list[Tensor] = []  # (n, C) each: what follows on `_waiting[0]`
        self._last: Tensor | None = None  # (1, C): what the first depth made of the last position
        self._start = 0  # the first position it has seen; its own positions count from there

    def observe(self, position: int, states: States) -> None:
        """Keep the hidden states until guesses are wanted: then they are computed together."""
        observed = sum(map(len, self._observed))
        if position != self._start + self._done[0] + len(self._waiting[0]) + observed:
            self._forget(position)
        self._observed.append(states)
        if len(self._observed) > MANY_PARTS:
            self._join_observed()

    def rest(self, is_resting: bool) -> None:
        """Nothing changes."""

    def propose(self, token_ids: Sequence[int], most: int, choose: Choose) -> list[Draft]:
        """Guesses after the last token, each given those before it."""
        whole, token_ids = token_ids, token_ids[self._start :]
        self._catch_up(token_ids)
        hidden, position = self._last, len(token_ids) - 2  # the last one that the model has computed
        if hidden is None or self._done[0] != position + 1:
            return []
        drafts: list[Draft] = []
        guessed = hidden[:0]  # (n, C): what the depth before made of guesses
        while True:
            logits = self._model.logits(hidden[-1:])[0].cpu().numpy()  # (V,)
            drafts.append(choose(logits, [*whole, *(draft.token for draft in drafts)]))
            if len(drafts) == most:
                return drafts
            known = [*token_ids, *(draft.token for draft in drafts)]
            depth = min(len(drafts), len(self._done) - 1)
            if len(drafts) < len(self._done):  # the positions that wait here, the last ones with guesses
                start, inputs = self._done[depth], torch.cat([self._waiting[depth], guessed])  # (n, C)
            else:  # the last layer's own output stands for the next position's
                position += 1
                start, inputs = position, hidden[-1:]  # (1, C)
            following = known[len(known) - len(inputs) :]
            hidden = self._model.mtp_hidden_states(depth, inputs, following, start, self._cache)  # (n, C)
            guessed = hidden

    def _forget(self, start: int) -> None:
        """Begin anew: what comes does not follow, or the KV cache held what came before already.

        Rotary positions say distances only, so that its own may begin anywhere in the text.
        """
        self._start, self._last = start, None
        self._done = [0] * len(self._done)
        self._waiting, self._observed = [self._nothing] * len(self._waiting), []

    def _join_observed(self) -> None:
        self._waiting[0] = torch.cat([self._waiting[0], *self._observed])  # (n, C)
        self._observed = []

    def _catch_up(self, token_ids: Sequence[int]) -> None:
        """Compute every depth as far as its tokens are known."""
        self._join_observed()
        for depth in range(len(self._done)):
            start, waiting = self._done[depth], self._waiting[depth]
            following = list(token_ids[start + depth + 1 : start + depth + 1 + len(waiting)])
            if not following:
                return
            known = waiting[: len(following)]  # (m, C)
            made = self._model.mtp_hidden_states(depth, known, following, start, self._cache)  # (m, C)
            self._waiting[depth] = waiting[len(following) :]
            self._done[depth] += len(following)
            self._last = made[-1:] if depth == 0 else self._last
            if depth + 1 < len(self._done):
                self._waiting[depth + 1] = torch.cat([self._waiting[depth + 1], made])  # (n, C)


class ModelDrafter:
    """Guesses of a smaller model with the same token ids."""

    def __init__(self, model: Transformer, max_length: int) -> None:
        self._model, self._cache = model, model.new_cache(max_length)
        self._computed: list[int] = []  # tokens in its KV cache, of which the last may be refused guesses

    def observe(self, position: int, states: States) -> None:
        """Nothing: it computes the tokens itself when it is asked."""

    def rest(self, is_resting: bool) -> None:
        """Nothing changes."""

    def propose(self, token_ids: Sequence[int], most: int, choose: Choose) -> list[Draft]:
        """Decode on from what is known."""
        drafts: list[Draft] = []
        while len(drafts) < most:
            known = [*token_ids, *(draft.token for draft in drafts)]
            if len(known) > self._cache.max_length:
                break
            start = _common_length(self._computed, known[:-1])
            hidden = self._model.hidden_states(known[start:], start, self._cache)  # (T, C)
            self._computed = known
            drafts.append(choose(self._model.logits(hidden[-1:])[0].cpu().numpy(), known))
        return drafts


def _common_length(first: list[int], second: list[int]) -> int:
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))

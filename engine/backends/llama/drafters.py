"""Drafters of the llama backend: the model's own MTP layer, or a smaller model with the same vocabulary.

llama.cpp runs an MTP layer in a context of its own: at a position it takes the token there and the model's
hidden state of the position before, after the last norm, and predicts the token at the next position.
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from engine.backends.llama.draft_context import DraftContext, MtpContext
from engine.generation.backend import Floats
from engine.generation.common_prefix import common_prefix_length
from engine.generation.draft import Choose, Draft, States

MOST_WAITING = 4096  # hidden states kept for guesses that come later; of twice as many, the newest half


class LlamaMtpDrafter:
    """Guesses of the model's MTP layer (DeepSeek-V3, arXiv:2412.19437, section 2.2).

    For more than one guess it goes on from its own output. Guesses are forgotten when the next true tokens
    are computed in their place.
    """

    def __init__(self, context: MtpContext, wants_states: Callable[["LlamaMtpDrafter", bool], None]) -> None:
        """`wants_states` is told from when on the model's hidden states are needed, and until when."""
        self._context, self._wants_states = context, wants_states
        self._sequence: int | None = None  # in its context, from when it first sees something
        self._first = 0  # position of the first hidden state that waits for the token after it
        self._waiting: deque[Floats] = deque()  # (n, C) each
        self._num_waiting = 0

    def observe(self, position: int, states: States) -> None:
        """Keep the hidden states until guesses are wanted: then they are computed together."""
        if not len(states) or not self._has_place():
            return
        if position != self._first + self._num_waiting:
            self._begin_at(position)
        self._waiting.append(states)
        self._num_waiting += len(states)
        if self._num_waiting > 2 * MOST_WAITING:
            newest = np.concatenate(self._waiting)[-MOST_WAITING:]  # (n, C)
            self._begin_at(self._first + self._num_waiting - MOST_WAITING)
            self._waiting.append(newest)
            self._num_waiting = MOST_WAITING

    def rest(self, is_resting: bool) -> None:
        """Let the model spare its hidden states; after a gap the layer begins anew."""
        self._wants_states(self, not is_resting)

    def propose(self, token_ids: Sequence[int], most: int, choose: Choose) -> list[Draft]:
        """Guesses after the last token, each given those before it."""
        sequence, length = self._sequence, len(token_ids)
        if not self._waiting:  # it begins where all others rest
            self._wants_states(self, True)
            return []
        if sequence is None or self._first + self._num_waiting != length - 1:
            return []
        position = self._first + 1
        self._context.forget(sequence, position)
        if length + most > self._context.length:
            return []
        waiting = np.concatenate(self._waiting)  # (n, C)
        found = self._context.compute_with(sequence, token_ids[position:], waiting, position)
        self._first, self._num_waiting = length - 1, 0
        self._waiting.clear()
        drafts: list[Draft] = []
        while found is not None:
            logits, state = found  # (V,), (1, C)
            drafts.append(choose(logits, [*token_ids, *(draft.token for draft in drafts)]))
            if len(drafts) == most:
                break
            position = length - 1 + len(drafts)
            found = self._context.compute_with(sequence, [drafts[-1].token], state, position)
        return drafts

    def _has_place(self) -> bool:
        if self._sequence is None:
            self._sequence = self._context.reserve(self)
        return self._sequence is not None

    def _begin_at(self, position: int) -> None:
        """What comes does not follow: the layer knows nothing of what was before."""
        assert self._sequence is not None
        self._context.forget(self._sequence, 0)
        self._first, self._num_waiting = position, 0
        self._waiting = deque()


class LlamaModelDrafter:
    """Guesses of a smaller model with the same token ids."""

    def __init__(self, context: DraftContext) -> None:
        self._context = context
        self._sequence: int | None = None  # in its context, from when it first sees something
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
            logits = self._logits_after(known)
            if logits is None:
                break
            drafts.append(choose(logits, known))
        return drafts

    def _logits_after(self, known: list[int]) -> Floats | None:
        if self._sequence is None:
            self._sequence = self._context.reserve(self)
        if self._sequence is None or len(known) > self._context.length:
            return None
        start = min(common_prefix_length(self._computed, known), len(known) - 1)
        self._context.forget(self._sequence, start)
        self._computed = known[:start]
        logits = self._context.compute(self._sequence, known[start:], start)
        if logits is not None:
            self._computed = known
        return logits

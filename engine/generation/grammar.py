"""What a grammar lets come next: a machine over bytes that is built while it is used.

A state is the set of stacks that the rules may be in after some bytes (as in llama.cpp's grammars, but of
bytes). A stack is a frame: a place in a rule and the frame to go on with after it. Equal frames and equal
states are kept once, and states remember where each byte leads, so that text that comes again costs a look-up
per byte. States never change: to go back is to take an older one.
"""

from typing import Any

import numpy as np

from engine.contract.errors import InvalidRequest
from engine.generation.gbnf import Element, parse_gbnf
from engine.generation.vocabulary import Vocabulary

BOTTOM = -1  # the frame after the last rule: the answer may end
MAX_FRAMES = 1_000_000  # 100 MB
KEPT_MASKS = 64

Allowed = np.ndarray[Any, np.dtype[np.bool_]]


class State:
    """One set of stacks."""

    __slots__ = ("frames", "next")

    def __init__(self, frames: frozenset[int]) -> None:
        self.frames = frames  # each stands before a set of bytes; BOTTOM where the answer may end
        self.next: dict[int, State | None] = {}  # by byte, as far as it was asked for

    @property
    def may_end(self) -> bool:
        """Whether what came so far is whole."""
        return BOTTOM in self.frames


class Grammar:
    """A grammar and the tokens of a model."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        """Read GBNF; raises InvalidRequest."""
        rules = parse_gbnf(text)
        self._vocabulary = vocabulary
        self._elements: list[Element | None] = []  # of all alternatives, None behind the last of each
        self._starts: list[list[int]] = []  # by rule, where its alternatives begin
        for alternatives in rules.alternatives:
            self._starts.append([])
            for alternative in alternatives:
                self._starts[-1].append(len(self._elements))
                self._elements += [*alternative, None]
        self._frames: list[tuple[int, int]] = []  # place in `_elements`, and the frame after
        self._numbers: dict[tuple[int, int], int] = {}
        self._states: dict[frozenset[int], State] = {}
        self._masks: dict[State, Allowed] = {}
        self.start = self._state(self._entered([(start, BOTTOM) for start in self._starts[rules.root]]))

    def allows(self, state: State, token: int) -> bool:
        """Whether a token may come."""
        if token in self._vocabulary.end_tokens:
            return state.may_end
        piece = self._vocabulary.piece(token)
        return bool(piece) and self._after_bytes(state, piece) is not None

    def after(self, state: State, token: int) -> State:
        """The state after a token; after an end token, or one that is not allowed, the same."""
        if token in self._vocabulary.end_tokens:
            return state
        return self._after_bytes(state, self._vocabulary.piece(token)) or state

    def mask(self, state: State) -> Allowed:
        """Which tokens may come, (V,): where none may, the end tokens, so that the answer ends."""
        if (known := self._masks.get(state)) is not None:
            return known
        allowed = np.zeros(self._vocabulary.size, np.bool_)  # (V,)
        path: list[State] = [state]  # after each byte of the token, as far as the grammar goes along
        for piece, token, shared in self._vocabulary.in_order:
            if shared >= len(path):  # it begins with bytes that failed already
                continue
            del path[shared + 1 :]
            for byte in piece[shared:]:
                after = self._after_byte(path[-1], byte)
                if after is None:
                    break
                path.append(after)
            allowed[token] = len(path) > len(piece)
        if state.may_end or not allowed.any():
            allowed[list(self._vocabulary.end_tokens)] = True
        if len(self._masks) >= KEPT_MASKS:
            del self._masks[next(iter(self._masks))]
        self._masks[state] = allowed
        return allowed

    def _after_bytes(self, state: State, piece: bytes) -> State | None:
        reached: State | None = state
        for byte in piece:
            if reached is None:
                return None
            reached = self._after_byte(reached, byte)
        return reached

    def _after_byte(self, state: State, byte: int) -> State | None:
        if byte in state.next:
            return state.next[byte]
        places = []
        for frame in state.frames:
            if frame != BOTTOM:
                place, then = self._frames[frame]
                element = self._elements[place]
                if isinstance(element, frozenset) and byte in element:
                    places.append((place + 1, then))
        after = self._state(self._entered(places)) if places else None
        state.next[byte] = after
        return after

    def _entered(self, places: list[tuple[int, int]]) -> frozenset[int]:
        """The frames before bytes that places lead to, through rules that begin and rules that end there."""
        waiting, seen, found = list(places), set(places), set[int]()
        while waiting:
            place, then = waiting.pop()
            element = self._elements[place]
            reached: list[tuple[int, int]] = []
            if element is None and then == BOTTOM:
                found.add(BOTTOM)
            elif element is None:
                reached = [self._frames[then]]
            elif isinstance(element, int):
                if self._elements[place + 1] is not None:  # at the end of a rule its frame is not needed
                    then = self._frame(place + 1, then)
                reached = [(start, then) for start in self._starts[element]]
            else:
                found.add(self._frame(place, then))
            for one in reached:
                if one not in seen:
                    seen.add(one)
                    waiting.append(one)
        return frozenset(found)

    def _frame(self, place: int, then: int) -> int:
        key = place, then
        if (number := self._numbers.get(key)) is None:
            if len(self._frames) >= MAX_FRAMES:
                raise InvalidRequest("the answer goes deeper into the grammar than there is room for")
            number = self._numbers[key] = len(self._frames)
            self._frames.append(key)
        return number

    def _state(self, frames: frozenset[int]) -> State:
        return self._states.setdefault(frames, State(frames))


class GrammarPath:
    """Where one answer stands in a grammar: it goes on with every token, guesses too, and back again."""

    def __init__(self, grammar: Grammar) -> None:
        """Before the first token of the answer."""
        self._grammar = grammar
        self._states = [grammar.start]  # before each token, and after the last

    @property
    def length(self) -> int:
        """Tokens that it has been told of."""
        return len(self._states) - 1

    def accept(self, token: int) -> None:
        """Go on; of a token that was forced on the answer against the grammar nothing is kept."""
        self._states.append(self._grammar.after(self._states[-1], token))

    def roll_back(self, length: int) -> None:
        """Forget every token from `length` on."""
        del self._states[length + 1 :]

    def allows(self, token: int) -> bool:
        """Whether a token may come next."""
        return self._grammar.allows(self._states[-1], token)

    def mask(self) -> Allowed:
        """Which tokens may come next, (V,)."""
        return self._grammar.mask(self._states[-1])

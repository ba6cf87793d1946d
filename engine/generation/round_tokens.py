"""How many tokens a round brings by the depth that is wanted.

Beside the chances of guesses these count: a drafter that has none in many rounds, the tokens that come
without guesses (one of each sequence), and rows near a tie, which are computed again in a plain step.
"""

from collections.abc import Sequence

from engine.generation.acceptance import Acceptance

FADING = 0.95  # what a round counts for after the next one, for the share of rounds that have guesses
TIE_FADING = 0.99  # and for the share of rows near a tie, which are few

Outcome = tuple[int, int]  # guesses of one sequence in a round, and how many of them stayed


class RoundTokens:
    """Tokens of rounds with 0, 1, 2 and more guesses wanted."""

    def __init__(self, most: int) -> None:
        """`most` guesses in a row; nothing is known yet."""
        self.acceptance = Acceptance(most)
        self.num_wanted = 0  # rounds in which guesses were wanted
        self.num_guessed = 0  # of them those that had any
        self._weight = self._with_guesses = self._guessing = 0.0  # of the rounds that wanted some, fading
        self._plain: float | None = None  # tokens of a plain round
        self._unguessed: float | None = None  # tokens beside guesses in a round that wanted some
        self._rows = self._ties = 0.0  # rows that were judged and those of them near a tie, fading

    def note(self, num_tokens: int, outcomes: Sequence[Outcome], *, is_wanted: bool, is_tie: bool) -> None:
        """One more round: all its tokens, the guesses of each sequence, whether a row was computed again."""
        num_guessing = num_stayed = 0
        for guesses, stayed in outcomes:
            if guesses:
                num_guessing += 1
                num_stayed += stayed
                self.acceptance.observe(guesses, stayed)
        if not is_wanted:
            self._plain = blended(self._plain, num_tokens)
            return
        self._unguessed = blended(self._unguessed, num_tokens - num_stayed)
        self.num_wanted += 1
        self.num_guessed += num_guessing > 0
        self._weight = FADING * self._weight + 1
        self._with_guesses = FADING * self._with_guesses + (num_guessing > 0)
        self._guessing = FADING * self._guessing + num_guessing
        if num_guessing:
            self._rows = TIE_FADING * self._rows + num_stayed + num_guessing
            self._ties = TIE_FADING * self._ties + is_tie

    @property
    def share_with_guesses(self) -> float:
        """Of the rounds in which guesses are wanted."""
        return self._with_guesses / self._weight if self._weight else 1.0

    def expected(self, optimism: float = 0.0) -> tuple[list[float], list[float]]:
        """Tokens of a round with 0, 1, 2 and more guesses wanted, and rows that are computed again in it.

        The latter of rounds that have guesses. See `Acceptance.expected_tokens`.
        """
        plain = self._plain or 1.0
        unguessed = plain if self._unguessed is None else self._unguessed
        guessing = self._guessing / self._weight if self._weight else 1.0
        rate = self._ties / self._rows if self._rows else 0.0
        of_guesses = self.acceptance.expected_tokens(optimism)
        tokens = [unguessed + guessing * (tokens - 1) for tokens in of_guesses]
        tokens[0] = plain
        return tokens, [rate * tokens for tokens in of_guesses]


def blended(old: float | None, new: float) -> float:
    """A fading mean with one more value."""
    return new if old is None else FADING * old + (1 - FADING) * new

"""The chance of each guess to stay, told of its position in a row of guesses.

A round of five guesses tells about the first, the second and so on, up to the first that was refused. So what
any number of guesses would bring is known from the rounds of all depths.
"""

FADING = 0.98  # what an observation of a position counts for after the next one of it
FIRST = 0.7  # chance of the first guess before anything is known
NEXT = 0.9  # chance of a guess that was never tried, over that of the one before it
PRIOR = 2.0  # observations that these two count for


class Acceptance:
    """Chances of guesses, each given that all before it stayed; old observations fade."""

    def __init__(self, most: int) -> None:
        """`most` guesses in a row; nothing is observed yet."""
        self._stayed = [0.0] * most
        self._seen = [0.0] * most

    def observe(self, num_guesses: int, num_stayed: int) -> None:
        """Of so many guesses in a row the first ones stayed."""
        for place in range(min(num_stayed + 1, num_guesses, len(self._seen))):
            self._stayed[place] = FADING * self._stayed[place] + (place < num_stayed)
            self._seen[place] = FADING * self._seen[place] + 1

    def fade(self, remembered: float) -> None:
        """What was observed counts for so many observations at most: the text may have changed."""
        for place, seen in enumerate(self._seen):
            if seen > remembered:
                self._stayed[place] *= remembered / seen
                self._seen[place] = remembered

    def expected_tokens(self, optimism: float = 0.0) -> list[float]:
        """What 0, 1, 2 and more guesses bring on average, the token after the last that stayed included.

        `optimism` is how many standard deviations more of them may stay than seems likely.
        """
        tokens, reached, chance = [1.0], 1.0, FIRST / NEXT
        for stayed, seen in zip(self._stayed, self._seen, strict=True):
            weight = seen + PRIOR
            chance = (stayed + PRIOR * NEXT * chance) / weight
            hoped = chance
            if optimism:
                hoped += optimism * (chance * (1 - chance) / weight) ** 0.5
                hoped = min(1.0, max(0.0, hoped))
            reached *= hoped
            tokens.append(tokens[-1] + reached)
        return tokens

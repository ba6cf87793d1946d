"""How much of two prompts is the same."""

from collections.abc import Sequence


def common_prefix_length(first: Sequence[object], second: Sequence[object]) -> int:
    """How many leading items two lists, or two texts, share; all comparing is done on slices, in C.

    Halves the part in question at every step, so that the whole takes time in proportion to its length.
    """
    known, end = 0, min(len(first), len(second))
    while known < end:
        middle = (known + end + 1) // 2
        if first[known:middle] == second[known:middle]:
            known = middle
        else:
            end = middle - 1
    return known

"""How far leads move with what else is in the KV cache and in a call: by that, greedy answers may part.

A lead is how far the best logit lies before the next one. Texts are computed token by token, alone in an
empty cache; then several in every call, in a cache whose freed cells lie before those of the tokens that came
earlier; then as a prompt, all in one call. The leads of the same places are compared.
"""

from typing import Any

import numpy as np

from engine.generation.backend import Backend, Entry
from engine.generation.sequence import never

JUNK = 64  # tokens that were in the cache before, of an idle slot that leaves half-way


def leads_move_by(backend: Backend, texts: list[list[int]]) -> float:
    """The largest change of a lead between these ways."""
    at_once = backend.loaded.sequences - 1
    largest = 0.0
    for start in range(0, len(texts), at_once):
        part = texts[start : start + at_once]
        together = rows_together(backend, part)
        for text, crowded in zip(part, together, strict=True):
            alone = rows_alone(backend, text)  # (T, V)
            largest = max(
                largest,
                movement(alone, crowded),
                movement(alone[-1:], row_of_prompt(backend, text)),
            )
    empty(backend)
    return largest


def movement(first: Any, second: Any) -> float:
    """The largest change of a lead between logits (T, V) of the same places."""
    best = np.argsort(first)[:, -2:]  # (T, 2)
    moved = np.take_along_axis(first - second, best, axis=1)  # (T, 2)
    return float(np.abs(moved[:, 1] - moved[:, 0]).max())


def row_of_prompt(backend: Backend, text: list[int]) -> Any:
    """Logits (1, V) after a text that is computed in one call."""
    empty(backend)
    (row,) = backend.decode([Entry(0, 0, text)], never)
    return backend.logits(row).copy()[None]


def rows_alone(backend: Backend, text: list[int]) -> Any:
    """Logits (T, V) after each token."""
    empty(backend)
    rows = []
    for place, token in enumerate(text):
        (row,) = backend.decode([Entry(0, place, [token])], never)
        rows.append(backend.logits(row).copy())
    return np.stack(rows)


def rows_together(backend: Backend, texts: list[list[int]]) -> list[Any]:
    """The same of several texts, (T, V) each."""
    empty(backend)
    idle, half = len(texts), max(map(len, texts)) // 2
    backend.decode([Entry(idle, 0, (texts[0] * JUNK)[:JUNK])], never)
    found: list[list[Any]] = [[] for _ in texts]
    for place in range(max(map(len, texts))):
        if place == half:
            backend.truncate(idle, 0)
        slots = [slot for slot, text in enumerate(texts) if place < len(text)]
        rows = backend.decode([Entry(slot, place, [texts[slot][place]]) for slot in slots], never)
        for slot, row in zip(slots, rows, strict=True):
            found[slot].append(backend.logits(row).copy())
    return [np.stack(rows) for rows in found]


def empty(backend: Backend) -> None:
    """Forget everything."""
    for slot in range(backend.num_slots):
        backend.truncate(slot, 0)

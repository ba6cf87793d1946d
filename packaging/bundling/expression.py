"""Licence expressions: whether one leaves any other choice than the GPL.

Source of the grammar: SPDX specification 2.3, annex D (AND binds closer than OR).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"(?i)(\(|\)|(?<![\w-])and(?![\w-])|(?<![\w-])or(?![\w-]))")


def is_gpl_only(licence: str) -> bool:
    """Tell whether every choice that an expression leaves has the GPL in it, without an exception."""
    tokens = [token.strip(" ,").lower() for token in _TOKEN.split(licence) if token.strip(" ,")]
    return _any_of(tokens)


def _any_of(tokens: list[str]) -> bool:
    """Choices: the GPL is alone if it is so in each. Takes from `tokens` what belongs to them."""
    alone = _all_of(tokens)
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        alone = _all_of(tokens) and alone
    return alone


def _all_of(tokens: list[str]) -> bool:
    """What holds together: the GPL is alone if one of them has it."""
    alone = _one(tokens)
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        alone = _one(tokens) or alone
    return alone


def _one(tokens: list[str]) -> bool:
    name = tokens.pop(0) if tokens else ""
    if name == "(":
        alone = _any_of(tokens)
        if tokens:
            tokens.pop(0)  # the closing one
        return alone
    return re.match(r"a?gpl", name) is not None and " with " not in name

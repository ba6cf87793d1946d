"""A colour for each part of a model, for what is painted: dull enough to put text on it.

Text in `Tokens.text` keeps a contrast of at least 4.5 on each; a test computes it.
"""

from app.theme.tokens import Tokens

_LIGHT = {
    "embedding": "#f1e3a8",
    "attention": "#b9e3d6",
    "latent attention": "#b5dcee",
    "state": "#d6e8ae",
    "feed-forward": "#cbe4c3",
    "router": "#f6bfd0",
    "shared expert": "#e2c9f3",
    "routed experts": "#c9d2fb",
    "norm": "#dcdfe5",
    "MTP head": "#f8cbb2",
    "output": "#f3d8a2",
    "other": "#e3e5ea",
}
_DARK = {
    "embedding": "#565020",
    "attention": "#1d564b",
    "latent attention": "#1c4c63",
    "state": "#43541d",
    "feed-forward": "#31542c",
    "router": "#6a2c44",
    "shared expert": "#52346e",
    "routed experts": "#353f7a",
    "norm": "#40434b",
    "MTP head": "#6c3c23",
    "output": "#63501e",
    "other": "#3a3d44",
}


def part_colour(part: str, tokens: Tokens) -> str:
    """The colour of a part, as #rrggbb; one that is not known gets that of all others."""
    colours = _DARK if tokens.is_dark else _LIGHT
    return colours.get(part, colours["other"])

"""Words for the search index, in scripts that are written without spaces.

SQLite's tokenizer takes a run of letters for one word, so that 旅行 would not be found in 日本旅行の計画.
Each such character is therefore set apart by a zero-width space in the indexed copy of a text, and a search
for several of them becomes a phrase. (The trigram tokenizer finds nothing shorter than three characters, and
most Chinese and Japanese words are shorter.)
"""

import re

ZERO_WIDTH_SPACE = "\u200b"
# Thai, Lao, Tibetan, Burmese, Khmer, Japanese syllables, Han and its extensions, Korean syllables
_UNSPACED = re.compile(
    "([\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff])"
)


def segment(text: str) -> str:
    """The text with every character of an unspaced script set apart; the same text if it has none."""
    return _UNSPACED.sub(rf"\1{ZERO_WIDTH_SPACE}", text) if _UNSPACED.search(text) else text


def segment_if_needed(text: str) -> str | None:
    """What the index takes in place of the text; None where it takes the text itself."""
    segmented = segment(text)
    return segmented if segmented is not text else None


def join_segments(text: str) -> str:
    """A piece of a segmented text as it was written."""
    return text.replace(ZERO_WIDTH_SPACE, "")

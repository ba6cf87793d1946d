"""Titles that nobody typed: the first words of a conversation, and later what a model makes of it."""

import re

WORDS_LENGTH = 40  # characters of the first message
MODEL_LENGTH = 60  # a model's title beyond this is no title
TITLE_REQUEST = (
    "Write a title of two to six words for this conversation, in its own language. "
    "Answer with the title alone, without quotation marks."
)


def make_title(text: str) -> str:
    """The first words of a message, about forty characters of them."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= WORDS_LENGTH:
        return line
    cut = line.rfind(" ", WORDS_LENGTH // 2, WORDS_LENGTH + 1)
    return line[: cut if cut > 0 else WORDS_LENGTH].rstrip(" ,.;:") + "…"


def clean_title(answer: str) -> str:
    """The title in a model's answer; empty where there is none to be found."""
    lines = [line.strip() for line in answer.strip().splitlines()]
    line = next((line for line in lines if line), "")
    line = re.sub(r"^[#*\s]+|[*\s]+$", "", line)
    line = re.sub(r"^(title|titel|titre|título|标题|標題|タイトル)\s*[::]\s*", "", line, flags=re.IGNORECASE)
    line = line.strip(" \t\"'`*“”„«»「」『』").rstrip(".。")
    is_title = 2 <= len(line) <= MODEL_LENGTH and any(letter.isalpha() for letter in line)
    return re.sub(r"\s+", " ", line) if is_title else ""

"""How much of the context length the next turn takes, and which messages no longer fit.

Tokens are estimated from the bytes of the text; the figures of finished answers make the estimate that of
this conversation and its model. UTF-8 bytes rather than characters: a token of any script is about as many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.conversations.message import Message

BYTES_PER_TOKEN = 3.6  # of English text and code in the vocabularies of today; until an answer tells better
TOKENS_PER_MESSAGE = 6  # what a chat template puts around a message
LONGEST_RESERVE = 512  # tokens kept free for the answer, or a quarter of a short context


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextPlan:
    """The next turn, measured against the context length."""

    used_tokens: int  # all of the path and what is written now
    context_length: int  # 0 where it is not known
    is_estimate: bool
    num_left_out: int = 0  # of the oldest messages, which do not fit
    draft_fits: bool = True  # False where what is written is too long even by itself


def bytes_per_token(path: Sequence[Message]) -> float:
    """What a token of this conversation's answers is long."""
    answers = [message for message in path if message.stats.completion_tokens >= 8 and message.text]
    tokens = sum(message.stats.completion_tokens for message in answers)
    length = sum(_length(message.text) + _length(message.reasoning) for message in answers)
    return max(length / tokens, 1.0) if tokens else BYTES_PER_TOKEN


@dataclass(frozen=True, slots=True)
class MeasuredPath:
    """What each message of a path costs; it stays true while somebody writes the next one."""

    path: Sequence[Message]
    ratio: float  # bytes of a token
    costs: Sequence[int]  # tokens of each message
    exact_tokens: int | None  # of all of them, where the last answer's figures tell


def measure_path(path: Sequence[Message]) -> MeasuredPath:
    """Measure every message; takes a while where there are thousands."""
    ratio = bytes_per_token(path)
    costs = [_cost(message.full_text, ratio) for message in path]
    return MeasuredPath(path, ratio, costs, _exact_tokens(path))


def plan_context(
    measured: MeasuredPath,
    *,
    system_prompt: str = "",
    draft: str = "",
    context_length: int,
    max_tokens: int | None = None,
) -> ContextPlan:
    """Measure the next turn: the path as it is and the draft as the user's message.

    The system prompt always stays. Messages are left out from the oldest on, and the first one that is kept
    is the user's, as chat templates want it.
    """
    path, ratio, costs, exact = measured.path, measured.ratio, measured.costs, measured.exact_tokens
    before = (_cost(system_prompt, ratio) if system_prompt else 0) + sum(costs)
    is_exact = exact is not None and exact > before / 2  # else it was an answer to a part of the path
    used = (exact if exact is not None and is_exact else before) + (_cost(draft, ratio) if draft else 0)
    reserve = min(max_tokens or LONGEST_RESERVE, LONGEST_RESERVE, context_length // 4)
    excess = used + reserve - context_length if context_length else 0
    num_left_out = 0
    while excess > 0 and num_left_out < len(path):
        excess -= costs[num_left_out]
        num_left_out += 1
    while 0 < num_left_out < len(path) and path[num_left_out].role != "user":
        num_left_out += 1
    return ContextPlan(
        used_tokens=used,
        context_length=context_length,
        is_estimate=not is_exact or bool(draft),
        num_left_out=num_left_out,
        draft_fits=excess <= 0,
    )


def _exact_tokens(path: Sequence[Message]) -> int | None:
    """The tokens of the whole path as its last answer's figures tell; None where they do not."""
    stats = path[-1].stats if path else None
    if stats is None or not stats.prompt_tokens or stats.finish_reason not in ("stop", "length", "cancelled"):
        return None
    return stats.prompt_tokens + stats.completion_tokens - stats.reasoning_tokens


def _cost(text: str, ratio: float) -> int:
    return TOKENS_PER_MESSAGE + round(_length(text) / ratio)


def _length(text: str) -> int:
    return len(text.encode("utf-8", "replace"))

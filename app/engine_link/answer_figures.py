"""The figures of an answer while it arrives: what it took, and how long its reasoning was."""

import time
from dataclasses import replace

from app.conversations.expert_use import add_written
from app.conversations.message import AnswerStats
from engine.contract.messages import FinishedEvent


class AnswerFigures:
    """Begins where an earlier part of the same answer ended."""

    def __init__(self, before: AnswerStats) -> None:
        """`before` is empty for a new answer, and its figures so far for one that goes on."""
        self._before = before
        self._reasoning_began_at = 0.0  # on the clock of this process, s
        self._reasoning_ended_at = 0.0

    def note_reasoning(self) -> None:
        """More reasoning has come."""
        self._reasoning_ended_at = time.monotonic()
        self._reasoning_began_at = self._reasoning_began_at or self._reasoning_ended_at

    @property
    def so_far(self) -> AnswerStats:
        """What is known before the answer has ended."""
        reasoning_ms = 1000 * (self._reasoning_ended_at - self._reasoning_began_at)
        return replace(
            self._before,
            reasoning_ms=self._before.reasoning_ms + reasoning_ms,
            finish_reason="",
            error_code="",
            error_message="",
            error_details={},
        )

    def at_end(self, event: FinishedEvent) -> AnswerStats:
        """What the engine says at the end; of an answer that went on, both parts together."""
        so_far, usage, notice = self.so_far, event.usage, event.template_notice
        return replace(
            so_far,
            # what came before is part of the prompt of an answer that goes on
            prompt_tokens=usage.prompt_tokens - so_far.completion_tokens,
            completion_tokens=so_far.completion_tokens + usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=so_far.reasoning_tokens + usage.reasoning_tokens,
            decode_tps=usage.decode_tps,
            ttft_ms=so_far.ttft_ms or usage.ttft_ms,
            context_length=event.loaded.context_length if event.loaded else 0,
            drafting=usage.drafting,
            expert_use=add_written(so_far.expert_use, usage.expert_counts),
            finish_reason=event.reason,
            reasoning_ended_by=event.reasoning_ended_by or so_far.reasoning_ended_by,
            drifted_to=event.drifted_to or so_far.drifted_to,
            template_fallback=notice.fallback if notice is not None else "",
            template_failure=notice.reason if notice is not None else "",
        )

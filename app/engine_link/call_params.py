"""From what a conversation sets for itself to the params of a call."""

import logging
from dataclasses import fields
from typing import Any

from app.conversations.settings import ConversationSettings
from engine.contract.params import GenerationLimits, SamplingParams

log = logging.getLogger(__name__)
_NAMES = {field.name for field in fields(SamplingParams)}


def sampling_params(settings: ConversationSettings) -> SamplingParams:
    """How to sample; values that no sampler can use leave the defaults."""
    chosen: dict[str, Any] = {name: value for name, value in settings.sampling.items() if name in _NAMES}
    try:
        return SamplingParams(**chosen)
    except (TypeError, ValueError) as error:
        log.warning("the sampling params of a conversation are not used: %s", error)
        return SamplingParams()


def generation_limits(settings: ConversationSettings) -> GenerationLimits:
    """When an answer ends."""
    return GenerationLimits(max_tokens=settings.max_tokens, stop=settings.stop)

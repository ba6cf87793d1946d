"""Rendering a model's own chat template, a Jinja program from an untrusted file.

The sandbox keeps it from Python's objects, not from running for ever: therefore this is called in a small
child process that can be killed (`engine.worker.children.template`), never in the process of the model.
"""

import datetime
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.contract.chat import ChatMessage
from engine.contract.errors import TemplateBroken


class RenderRequest(msgspec.Struct, frozen=True):
    """What the rendering child is asked."""

    source: str
    messages: tuple[ChatMessage, ...]
    special_tokens: dict[str, str]


class RenderReply(msgspec.Struct, frozen=True):
    """What it answers: a prompt, or why there is none."""

    prompt: str = ""
    error: str = ""


def render(source: str, messages: Sequence[ChatMessage], special_tokens: dict[str, str]) -> str:
    """The prompt that a template makes of a conversation, ready for the assistant's answer.

    Raises TemplateBroken with Jinja's reason.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    try:
        return environment.from_string(source).render(
            messages=[{"role": message.role, "content": message.text} for message in messages],
            add_generation_prompt=True,
            **special_tokens,
        )
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise TemplateBroken(f"{type(error).__name__}: {error}") from error


def plain_prompt(messages: Sequence[ChatMessage]) -> str:
    """The prompt of a conversation with a model that has no template: its texts, one after the other."""
    prompt = ""
    for message in messages:
        separator = "\n" if prompt and message.role != "assistant" else ""
        prompt += separator + message.text
    return prompt


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().strftime(layout)


def _to_json(value: Any, indent: int | None = None, ensure_ascii: bool = False) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)

"""What transformers makes of a conversation, whose messages are put into its form without our own code."""

import itertools
import json
from typing import Any

from engine.chat.adaptations import adaptations
from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage


def expected_prompts(
    source: str, messages: tuple[ChatMessage, ...], variables: TemplateVariables
) -> set[str]:
    """The prompts of the first form of the conversation that the template takes; none where it takes none.

    Programs pass messages in several ways: arguments as text or as an object, no text as nothing or as empty,
    reasoning or not. Each way has its prompt.
    """
    offered: list[dict[str, Any]] = list(variables.tools)
    for tools in (offered,) if offered else (None, offered):
        for adapted in adaptations(messages):
            prompts = _prompts(source, adapted, tools, variables)
            if prompts:
                return prompts
    return set()


def _prompts(
    source: str,
    messages: tuple[ChatMessage, ...],
    tools: list[dict[str, Any]] | None,
    variables: TemplateVariables,
) -> set[str]:
    from transformers.utils.chat_template_utils import render_jinja_template  # it takes seconds

    called = any(message.tool_calls for message in messages)
    prompts: set[str] = set()
    for as_text, empty, with_reasoning in itertools.product(
        (False, True) if called else (False,), (None, "") if called else ("",), (True, False)
    ):
        if prompts and not with_reasoning:
            continue  # only where no way of passing it is taken
        try:
            (prompt,), _ = render_jinja_template(
                conversations=[_plain(messages, empty, as_text=as_text, with_reasoning=with_reasoning)],
                chat_template=source,
                tools=tools,
                documents=list(variables.documents) or None,
                add_generation_prompt=variables.add_generation_prompt,
                **variables.special_tokens,
                **variables.options,
            )
        except Exception:  # noqa: BLE001  (whatever a template does with messages it was not made for)
            continue
        prompts.add(prompt)
    return prompts


def _plain(
    messages: tuple[ChatMessage, ...], empty: str | None, *, as_text: bool, with_reasoning: bool
) -> list[dict[str, Any]]:
    found = []
    for message in messages:
        entry: dict[str, Any] = {}
        if message.reasoning and with_reasoning:
            entry["thinking"] = message.reasoning
        entry["role"] = message.role
        entry["content"] = empty if message.tool_calls and not message.text else message.text
        if message.reasoning and with_reasoning:
            entry["reasoning_content"] = message.reasoning
        if message.tool_calls:
            entry["tool_calls"] = [
                {
                    "type": "function",
                    "id": call.call_id,
                    "function": {
                        "name": call.name,
                        "arguments": call.arguments if as_text else json.loads(call.arguments),
                    },
                }
                for call in message.tool_calls
            ]
        if message.call_id:
            entry["tool_call_id"] = message.call_id
        found.append(entry)
    return found

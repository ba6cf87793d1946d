"""Conversations drawn by chance: every kind of message that a chat template may meet, in any script."""

import json
import random
from typing import Any

from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage, ToolCallPart

TEXTS = (
    "Why?",
    "  Two\nlines and blanks  ",
    "Grüße, 你好, مرحبا, 👩‍🚀 <b>&amp;</b> {{ braces }} {% tag %}",
    "```python\nprint('x')\n```",
    "<think>not a thought</think> \\n \"quoted\" 'single'",
    "x" * 300,
)
CITIES = ("Zürich", "北京", 'the "Hague"', "a\nb")


def draw_tools(rng: random.Random) -> tuple[dict[str, Any], ...]:
    """No tools, or two with everything that declarations hold."""
    if rng.random() < 0.4:
        return ()
    weather = {
        "name": "weather",
        "description": rng.choice(TEXTS),
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where"},
                "days": {"type": "integer", "description": "How many", "default": 1},
                "unit": {"type": "string", "enum": ["celsius", "kelvin"], "description": "Which"},
            },
            "required": ["city"],
        },
    }
    now = {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}
    return tuple({"type": "function", "function": function} for function in (weather, now))


def draw_messages(rng: random.Random) -> tuple[ChatMessage, ...]:
    """Up to four turns, with reasoning and calls of tools here and there."""
    messages = [ChatMessage(role="system", text=rng.choice(TEXTS))] if rng.random() < 0.5 else []
    for _ in range(rng.randint(1, 4)):
        messages.append(ChatMessage(role="user", text=rng.choice(TEXTS)))
        if rng.random() < 0.4:
            messages += _called(rng)
        messages.append(
            ChatMessage(
                role="assistant",
                text=rng.choice(TEXTS),
                reasoning=rng.choice(("", "Hm.", "First,\n\nthen.")),
            )
        )
    if rng.random() < 0.7:
        messages.append(ChatMessage(role="user", text=rng.choice(TEXTS)))
    return tuple(messages)


def draw_variables(rng: random.Random) -> TemplateVariables:
    """Everything else that a template gets."""
    options: dict[str, Any] = {}
    if rng.random() < 0.5:
        options["enable_thinking"] = rng.random() < 0.5
    if rng.random() < 0.3:
        options["reasoning_effort"] = rng.choice(("low", "high"))
    documents = ({"title": "One", "text": rng.choice(TEXTS)},) if rng.random() < 0.2 else ()
    return TemplateVariables(
        special_tokens={"bos_token": rng.choice(("<s>", "")), "eos_token": "</s>"},
        tools=draw_tools(rng),
        documents=documents,
        options=options,
        add_generation_prompt=rng.random() < 0.8,
    )


def _called(rng: random.Random) -> list[ChatMessage]:
    calls = []
    for index in range(rng.choice((1, 1, 2))):
        arguments = {"city": rng.choice(CITIES), "days": rng.randint(1, 9)} if rng.random() < 0.8 else {}
        name = "weather" if arguments else "now"
        text = json.dumps(arguments, ensure_ascii=False)
        calls.append(ToolCallPart(name=name, arguments=text, call_id=f"abcdef12{index}"))
    asked = ChatMessage(
        role="assistant",
        text=rng.choice(("", "I ask.")),
        reasoning=rng.choice(("", "I need to know.")),
        tool_calls=tuple(calls),
    )
    results = [
        ChatMessage(role="tool", text=rng.choice(('{"sky": "grey"}', "noon", "Grüße")), call_id=call.call_id)
        for call in calls
    ]
    return [asked, *results]

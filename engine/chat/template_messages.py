"""Messages as chat templates expect them, and the ways in which templates differ about that.

Templates of different families want the arguments of a call as an object or as its text, and the content of
a message that only calls tools as nothing or as empty text; gpt-oss's refuses a message that has reasoning,
text and a call. None says so. A template that was written for one of them mostly fails on the others, so each
is tried in turn, the likeliest first.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.contract.chat import ChatMessage, ToolCallPart

# A template that asks whether the content is none expects it to be; others may well write out "None".
_ASKS_FOR_NONE = re.compile(r"(?<!\w)content['\"]?\]?\s+is\s+(?:not\s+)?none", re.IGNORECASE)


def message_variants(source: str, messages: Sequence[ChatMessage]) -> Iterator[list[dict[str, Any]]]:
    """The messages as dictionaries, in each way the template may want them; mostly there is one."""
    empties = (None, "") if _ASKS_FOR_NONE.search(source) else ("", None)
    called = any(message.tool_calls for message in messages)
    silent = any(message.tool_calls and not message.text for message in messages)
    full = any(message.tool_calls and message.text and message.reasoning for message in messages)
    for with_reasoning in (True, False) if full else (True,):
        for as_text in (False, True) if called else (False,):
            for empty in empties if silent else empties[:1]:
                yield [_message(m, empty, as_text=as_text, with_reasoning=with_reasoning) for m in messages]


def _message(
    message: ChatMessage, empty: str | None, *, as_text: bool, with_reasoning: bool
) -> dict[str, Any]:
    content = empty if message.tool_calls and not message.text else message.text
    reasoning = message.reasoning if with_reasoning else ""
    # gpt-oss's name for reasoning, first because transformers puts it there
    values: dict[str, Any] = {"thinking": reasoning} if reasoning else {}
    values |= {"role": message.role, "content": content}
    if reasoning:
        values["reasoning_content"] = reasoning
    calls = [_call(call, as_text=as_text) for call in message.tool_calls if not call.error]
    if calls:
        values["tool_calls"] = calls
    if message.call_id:
        values["tool_call_id"] = message.call_id
    return values


def _call(call: ToolCallPart, *, as_text: bool) -> dict[str, Any]:
    arguments: Any = call.arguments
    if not as_text:
        try:
            arguments = json.loads(call.arguments)
        except (ValueError, RecursionError):
            arguments = {}
    return {
        "type": "function",
        "id": call.call_id,
        "function": {"name": call.name, "arguments": arguments},
    }

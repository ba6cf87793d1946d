"""The same conversation in other messages, for templates that refuse it as it is.

Some families know no system message, some want user and assistant to take turns strictly, some take one call
per message. Nothing that was said is lost; only who says it, and in how many messages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.contract.chat import ChatMessage

PARAGRAPH = "\n\n"

Messages = tuple[ChatMessage, ...]


def adaptations(messages: Sequence[ChatMessage]) -> Iterator[Messages]:
    """The conversation itself, then what it can be turned into, the least changed first."""
    original = tuple(messages)
    joined = neighbours_joined(original)
    candidates = (
        original,
        joined,
        single_calls(original),
        neighbours_joined(system_in_user(original)),
        single_calls(neighbours_joined(system_in_user(original))),
    )
    yield from dict.fromkeys(candidates)


def neighbours_joined(messages: Messages) -> Messages:
    """Texts of one role that follow one another as one message."""
    found: list[ChatMessage] = []
    for message in messages:
        last = found[-1] if found else None
        if last is not None and last.role == message.role and _is_text(last) and _is_text(message):
            found[-1] = replace(last, text=last.text + PARAGRAPH + message.text)
        else:
            found.append(message)
    return tuple(found)


def system_in_user(messages: Messages) -> Messages:
    """What the system says first, at the beginning of what the user says first."""
    first = next((index for index, message in enumerate(messages) if message.role == "user"), None)
    if first is None or not messages or messages[0].role != "system":
        return messages
    system, user = messages[0], messages[first]
    joined = replace(user, text=system.text + PARAGRAPH + user.text)
    return (*messages[1:first], joined, *messages[first + 1 :])


def single_calls(messages: Messages) -> Messages:
    """A message with several calls as several, each followed by its result."""
    found: list[ChatMessage] = []
    results = {message.call_id: message for message in messages if message.role == "tool" and message.call_id}
    placed: set[int] = set()
    for message in messages:
        if len(message.tool_calls) < 2:
            if id(message) not in placed:
                found.append(message)
            continue
        for index, call in enumerate(message.tool_calls):
            first = index == 0
            found.append(
                replace(
                    message,
                    text=message.text if first else "",
                    reasoning=message.reasoning if first else "",
                    tool_calls=(call,),
                )
            )
            result = results.get(call.call_id)
            if result is not None and id(result) not in placed:
                found.append(result)
                placed.add(id(result))
    return tuple(found)


def _is_text(message: ChatMessage) -> bool:
    return message.role in ("user", "assistant") and not message.tool_calls

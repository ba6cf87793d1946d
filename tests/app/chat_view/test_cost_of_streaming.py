"""A token costs what it costs, however long the conversation or the answer is; ratios of CPU time."""

import time

import pytest

from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList
from tests.app.chat_view.test_chat_view import conversation_of

pytestmark = pytest.mark.slow

TOKEN = 3  # characters
PROSE = "Softmax turns `logits` into probabilities; **temperature** says how peaked they are.\n\n"
ITEMS = "- one point of the list\n  - and one below it\n\n    with a paragraph\n"
CODE = "    value = softmax(logits, temperature=0.7)  # so it stays stable\n"
NESTED_CODE = ("1. A list\n   - and code in it:\n\n    ```python\n", CODE)


def cost_of_tokens(view: ChatView, messages: MessageList, *, beginning: str, more: str, before: int) -> float:
    """CPU seconds of 150 tokens in an answer that has so many already."""
    conversation = Conversation.new()
    conversation.append(role="user", text="Go on")
    answer = conversation.append(role="assistant", text="", state="streaming", model="Built-in model")
    messages.show_path(conversation.path())
    text = beginning + more * ((before + 150) * TOKEN // len(more) + 1)
    start = before * TOKEN
    messages.append_text(answer.id, text[:start])
    view._follower.flush()
    while view.column.unfinished_row(0, view.column.height) is not None:
        view.refresh()
    view.viewport().repaint()
    began = time.thread_time()
    for number in range(50):  # three to a frame
        for token in range(3):
            place = start + (3 * number + token) * TOKEN
            messages.append_text(answer.id, text[place : place + TOKEN])
        view._follower.flush()
        view.viewport().repaint()
    return time.thread_time() - began


@pytest.mark.parametrize(
    ("beginning", "more"), [("", PROSE), ("", ITEMS), NESTED_CODE], ids=["prose", "lists", "code in a list"]
)
def test_the_twelve_thousandth_token_costs_as_much_as_the_thousandth(
    beginning: str, more: str, view: ChatView, messages: MessageList
) -> None:
    costs: dict[int, list[float]] = {1000: [], 12_000: []}
    for _ in range(2):
        for before, taken in costs.items():
            taken.append(cost_of_tokens(view, messages, beginning=beginning, more=more, before=before))
    assert min(costs[12_000]) < 1.5 * min(costs[1000]), costs


def test_streaming_costs_as_much_below_a_thousand_messages_as_below_twenty(
    view: ChatView, messages: MessageList
) -> None:
    costs = {}
    for turns in (10, 500, 10, 500):
        conversation = conversation_of(turns)
        answer = conversation.append(role="assistant", text="", state="streaming", model="Built-in model")
        messages.show_path(conversation.path())
        started = time.thread_time()
        for _ in range(150):
            messages.append_text(answer.id, "token ")
            view._follower.flush()
            view.viewport().repaint()
        costs[turns] = time.thread_time() - started
    assert costs[500] < 1.5 * costs[10], costs

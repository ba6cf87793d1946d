"""An answer that streamed in is laid out as the same answer shown whole."""

import random
from dataclasses import replace

import pytest

from app.chat_view.chat_view import ChatView
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList

IN_A_LIST = "after\n\n- item\n  ```sh\n  ls -l\n  ```\n- next\n"
LINES = (
    "word;*em;**;- a;  - b;1. x;> q;```;| a | b |;|---|---|;$$;x = 1;\\[;# h;---;===;;;;    code;"
    "[r]: http://x;[r];- [x] t;[^1]: f;  ```;  x = 1;   - ~~~;     y;<div>;</div>;a <b>b</b><br>;```py;x\r"
).split(";")


def shown(view: ChatView) -> list[tuple[object, ...]]:
    """Blocks, their kinds, heights and places."""
    text = view.column.read_all(0).part(1)
    assert text is not None
    column = text.column
    return [
        (
            column.block(number),
            type(column.layout(number)),
            column.layout(number).height,
            column.corner(number),
        )
        for number in range(len(column))
    ]


def assert_laid_out_as_the_whole(view: ChatView, messages: MessageList, text: str, step: int) -> None:
    conversation = Conversation.new()
    answer = conversation.append(role="assistant", text="", state="streaming", model="m")
    messages.show_path(conversation.path())
    for start in range(0, len(text), step):
        messages.append_text(answer.id, text[start : start + step])
        view._follower.flush()
    finished = replace(messages.message(0), state="complete")
    messages.change(finished)
    streamed = shown(view)
    messages.show_path([finished])
    assert streamed == shown(view), (step, text)


@pytest.mark.parametrize("step", [1, 3, 5, 40])
def test_code_in_an_item_of_a_list(view: ChatView, messages: MessageList, step: int) -> None:
    assert_laid_out_as_the_whole(view, messages, IN_A_LIST, step)
    assert len(shown(view)) == 4


def test_whatever_comes(view: ChatView, messages: MessageList) -> None:
    rng = random.Random(20261123)
    for _ in range(60):
        text = "\n".join(rng.choice(LINES) for _ in range(rng.randrange(3, 14)))
        assert_laid_out_as_the_whole(view, messages, text, rng.randrange(1, 9))

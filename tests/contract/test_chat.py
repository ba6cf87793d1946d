from engine.contract.chat import ChatMessage, Part, ReasoningPart, TextPart, ToolCallPart


def test_the_parts_of_an_answer_make_one_message() -> None:
    call = ToolCallPart(name="f")
    parts: list[Part] = [ReasoningPart("H"), ReasoningPart("m."), TextPart("Yes"), call, TextPart(".")]
    message = ChatMessage.answer(parts)
    assert message == ChatMessage(role="assistant", text="Yes.", reasoning="Hm.", tool_calls=(call,))


def test_a_message_of_text_alone_is_easy_to_make() -> None:
    message = ChatMessage(role="user", text="Hi")
    assert (message.reasoning, message.tool_calls, message.call_id) == ("", (), "")

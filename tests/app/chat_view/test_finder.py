from app.chat_view.finder import Finder
from app.conversations.conversation import Conversation
from app.lists.message_list import MessageList


def test_the_match_that_was_gone_to_stays_while_an_answer_grows() -> None:
    conversation = Conversation.new()
    conversation.append(role="user", text="water and water")
    answer = conversation.append(role="assistant", text="water", state="streaming")
    messages = MessageList()
    messages.show_path(conversation.path())
    finder = Finder(messages)
    finder.find("water", 0)
    finder.step(1)
    messages.append_text(answer.id, " on water")
    finder.find_again(0)
    assert (finder.number, finder.count) == (1, 4)

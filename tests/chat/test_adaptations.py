from engine.chat.adaptations import adaptations, neighbours_joined, single_calls, system_in_user
from engine.chat.template import TemplateVariables, render
from engine.contract.chat import ChatMessage, ToolCallPart

SYSTEM = ChatMessage(role="system", text="Be brief.")
HELLO = ChatMessage(role="user", text="Hello?")
AGAIN = ChatMessage(role="user", text="Anyone?")
YES = ChatMessage(role="assistant", text="Yes.")
ONE, TWO = ToolCallPart(name="f", call_id="1"), ToolCallPart(name="g", call_id="2")
CALLS = ChatMessage(role="assistant", reasoning="Both.", text="I ask.", tool_calls=(ONE, TWO))
FIRST = ChatMessage(role="tool", text="first", call_id="1")
SECOND = ChatMessage(role="tool", text="second", call_id="2")


def test_the_conversation_itself_comes_first_and_nothing_twice() -> None:
    assert list(adaptations([HELLO, YES])) == [(HELLO, YES)]
    assert len(set(adaptations([SYSTEM, HELLO, AGAIN, CALLS, FIRST, SECOND]))) == 5
    assert next(iter(adaptations([SYSTEM, HELLO]))) == (SYSTEM, HELLO)


def test_neighbours_are_joined() -> None:
    (joined, answer) = neighbours_joined((HELLO, AGAIN, YES))
    assert (joined.text, answer) == ("Hello?\n\nAnyone?", YES)
    assert neighbours_joined((CALLS, YES)) == (CALLS, YES)
    assert neighbours_joined((FIRST, SECOND)) == (FIRST, SECOND)


def test_the_system_speaks_through_the_user() -> None:
    assert system_in_user((SYSTEM, YES, HELLO)) == (YES, ChatMessage(role="user", text="Be brief.\n\nHello?"))
    assert system_in_user((HELLO,)) == (HELLO,)
    assert system_in_user((SYSTEM,)) == (SYSTEM,)
    assert system_in_user(()) == ()


def test_calls_come_one_by_one_each_with_its_result() -> None:
    told = single_calls((HELLO, CALLS, FIRST, SECOND, YES))
    assert [(m.role, m.text, m.reasoning, m.tool_calls, m.call_id) for m in told] == [
        ("user", "Hello?", "", (), ""),
        ("assistant", "I ask.", "Both.", (ONE,), ""),
        ("tool", "first", "", (), "1"),
        ("assistant", "", "", (TWO,), ""),
        ("tool", "second", "", (), "2"),
        ("assistant", "Yes.", "", (), ""),
    ]
    assert len(single_calls((CALLS, FIRST))) == 3


def test_a_template_that_refuses_a_conversation_gets_it_in_another_way() -> None:
    variables = TemplateVariables()
    no_system = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}<{{ m.content }}>{% endfor %}"
    )
    assert render(no_system, (SYSTEM, HELLO), variables) == "<Be brief.\n\nHello?>"
    turns = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('take turns') }}{% endif %}<{{ m.content }}>{% endfor %}"
    )
    assert render(turns, (SYSTEM, HELLO, AGAIN, YES), variables) == "<Be brief.\n\nHello?\n\nAnyone?><Yes.>"
    one_call = (
        "{% for m in messages %}{% if m.tool_calls and m.tool_calls | length > 1 %}"
        "{{ raise_exception('one call') }}{% endif %}<{{ m.content }}>{% endfor %}"
    )
    assert render(one_call, (CALLS, FIRST, SECOND), variables) == "<I ask.><first><><second>"


def test_a_template_that_goes_through_tools_without_asking_finds_none() -> None:
    assert render("{% for t in tools %}{{ t }}{% endfor %}.", (HELLO,), TemplateVariables()) == "."
    assert render("{{ tools is none }}", (HELLO,), TemplateVariables()) == "True"

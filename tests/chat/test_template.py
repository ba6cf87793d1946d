import pytest

from engine.chat.template import TemplateVariables, plain_prompt, render
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.errors import TemplateBroken

QUESTION = (ChatMessage(role="system", text="Be brief."), ChatMessage(role="user", text="Why?"))


def test_a_template_sees_messages_special_tokens_and_the_generation_prompt() -> None:
    source = (
        "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m.content | trim }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert (
        render(source, QUESTION, TemplateVariables(special_tokens={"bos_token": "<s>"}))
        == "<s><system>Be brief.<user>Why?<assistant>"
    )


def test_what_real_templates_use_is_there() -> None:
    source = (
        "{%- for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m | tojson }}{% endfor %}"
        "{{ strftime_now('%Y')[:2] }}"
    )
    assert render(source, QUESTION, TemplateVariables()) == '{"role": "user", "content": "Why?"}20'


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ raise_exception('no system role') }}", "no system role"),
        ("{% for %}", "TemplateSyntaxError"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ messages.append(1) }}", "SecurityError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ messages[99].content }}", "UndefinedError"),
        ("{% include '/etc/passwd' %}", "TypeError"),
        ("{{ cycler.__init__.__globals__ }}", "SecurityError"),
        ("{{ range(10**9) | list }}", "OverflowError"),
    ],
)
def test_a_broken_or_hostile_template_says_why(source: str, reason: str) -> None:
    with pytest.raises(TemplateBroken, match=reason):
        render(source, QUESTION, TemplateVariables())


def test_without_a_template_the_texts_follow_one_another() -> None:
    messages = (
        ChatMessage(role="user", text="Once upon a time"),
        ChatMessage(role="assistant", text=", there was a fox."),
        ChatMessage(role="user", text="The fox"),
    )
    assert plain_prompt(messages) == "Once upon a time, there was a fox.\nThe fox"


CALL = (
    ChatMessage(role="assistant", tool_calls=(ToolCallPart(name="f", arguments='{"a": 1}', call_id="x"),)),
)


@pytest.mark.parametrize(
    ("source", "prompt"),
    [
        ("[{{ messages[0].content }}]", "[]"),
        ("{% if messages[0]['content'] is none %}nothing{% endif %}", "nothing"),
        ("{{ 'a' in messages[0].content }}", "False"),
        ("{{ messages[0].content is not none and messages[0].reasoning_content is not defined }}", "False"),
        ("{{ messages[0].tool_calls[0].function.arguments.a + 1 }}", "2"),
        ("{{ 'x' + messages[0].tool_calls[0].function.arguments }}", 'x{"a": 1}'),
        ("{{ messages[0].tool_calls[0].id ~ messages[0].tool_calls[0].type }}", "xfunction"),
    ],
)
def test_a_call_is_passed_as_the_template_wants_it(source: str, prompt: str) -> None:
    assert render(source, CALL, TemplateVariables()) == prompt


def test_reasoning_is_left_out_where_a_template_refuses_it_beside_text_and_a_call() -> None:
    source = (
        "{% if messages[0].thinking and messages[0].content %}{{ raise_exception('not both') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    call = ToolCallPart(name="f")
    messages = (ChatMessage(role="assistant", text="I ask.", reasoning="Hm.", tool_calls=(call,)),)
    assert render(source, messages, TemplateVariables()) == "I ask."


def test_a_call_that_could_not_be_read_is_not_said_to_have_been_one() -> None:
    call = ToolCallPart(raw="{", error="it is nothing")
    messages = (ChatMessage(role="assistant", text="I ask.", tool_calls=(call,)),)
    assert render("{{ messages[0] | tojson }}", messages, TemplateVariables()) == (
        '{"role": "assistant", "content": "I ask."}'
    )


def test_a_tool_result_names_its_call() -> None:
    messages = (ChatMessage(role="tool", text="42", call_id="x"),)
    assert render("{{ messages[0].tool_call_id }}", messages, TemplateVariables()) == "x"


def test_a_prompt_too_long_for_any_context_is_refused() -> None:
    with pytest.raises(TemplateBroken, match="a prompt of 9000000 characters"):
        render("{{ 'x' * 9000000 }}", QUESTION, TemplateVariables())


GOES_ON = (ChatMessage(role="user", text="Count"), ChatMessage(role="assistant", text="one, two, "))
PLAIN = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.mark.parametrize(
    ("source", "prompt"),
    [
        (PLAIN, "<user>Count<end><assistant>one, two, "),
        (PLAIN.replace("m.content", "m.content | trim"), "<user>Count<end><assistant>one, two,"),
    ],
)
def test_an_answer_goes_on_where_its_text_ends(source: str, prompt: str) -> None:
    assert render(source, GOES_ON, TemplateVariables(continue_last=True)) == prompt


def test_a_template_that_drops_the_answer_cannot_go_on_with_it() -> None:
    with pytest.raises(TemplateBroken, match="leaves out the answer"):
        render("{{ messages[0].content }}", GOES_ON, TemplateVariables(continue_last=True))

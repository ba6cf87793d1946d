import pytest

from engine.chat.template import TemplateVariables, plain_prompt, render
from engine.contract.chat import ChatMessage
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

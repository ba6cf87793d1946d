import psutil
import pytest

from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage
from engine.contract.errors import TemplateBroken
from engine.worker.template_child import TemplateChild

MESSAGES = (ChatMessage(role="user", text="Hi"),)


def test_the_same_child_renders_again_and_again() -> None:
    templates = TemplateChild()
    assert templates.render("{{ messages[0].content }}!", MESSAGES, TemplateVariables()) == "Hi!"
    (child,) = psutil.Process().children()
    assert (
        templates.render("{{ bos_token }}", MESSAGES, TemplateVariables(special_tokens={"bos_token": "<s>"}))
        == "<s>"
    )
    assert [child.pid] == [process.pid for process in psutil.Process().children()]
    templates.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than 2 s"),
        ("{{ 'x' * 10**9 }}", "too much memory"),
        ("{{ 10 ** (10 ** 8) }}", "more than 2 s"),
    ],
)
def test_a_template_without_end_is_killed_and_the_next_one_works(source: str, reason: str) -> None:
    templates = TemplateChild()
    with pytest.raises(TemplateBroken, match=reason):
        templates.render(source, MESSAGES, TemplateVariables())
    assert templates.render("fine", MESSAGES, TemplateVariables()) == "fine"
    templates.close()


def test_a_child_that_was_started_early_is_the_one_that_renders() -> None:
    templates = TemplateChild()
    templates.start()
    (child,) = psutil.Process().children()
    assert templates.render("fine", MESSAGES, TemplateVariables()) == "fine"
    templates.start()
    assert [child.pid] == [process.pid for process in psutil.Process().children()]
    templates.close()


def test_a_broken_template_says_why_and_the_child_lives() -> None:
    templates = TemplateChild()
    with pytest.raises(TemplateBroken, match="TemplateSyntaxError"):
        templates.render("{% for %}", MESSAGES, TemplateVariables())
    assert templates.render("fine", MESSAGES, TemplateVariables()) == "fine"
    templates.close()

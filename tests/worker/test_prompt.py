from collections.abc import Iterator

import pytest

from engine.chat.formats import HERMES, PLAIN
from engine.contract.chat import ChatMessage
from engine.contract.messages import GenerateRequest, TemplateNotice
from engine.worker.prompt import Prompt, make_prompt
from engine.worker.template_child import TemplateChild

HELLO = (ChatMessage(role="user", text="Hello?"),)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


@pytest.fixture
def templates() -> Iterator[TemplateChild]:
    child = TemplateChild()
    yield child
    child.close()


def request(**fields: object) -> GenerateRequest:
    return GenerateRequest(request_id="a", model="m", **fields)  # type: ignore[arg-type]


def test_without_a_template_it_is_plain_text(templates: TemplateChild) -> None:
    assert make_prompt(request(messages=HELLO), "", TOKENS, templates) == Prompt(
        text="Hello?", output=PLAIN, add_special=True
    )
    assert make_prompt(request(prompt="Once"), "{{ 1 }}", TOKENS, templates).text == "Once"


def test_the_template_gets_tokens_documents_and_options(templates: TemplateChild) -> None:
    template = "{{ bos_token }}{{ documents[0].text }}{{ messages[0].content }}{{ custom }}<tool_call>"
    asked = request(messages=HELLO, documents=({"text": "One."},), template_options={"custom": "!"})
    assert make_prompt(asked, template, TOKENS, templates) == Prompt(
        text="<s>One.Hello?!<tool_call>", output=HERMES, add_special=False
    )


def test_an_effort_becomes_what_the_template_calls_it(templates: TemplateChild) -> None:
    template = "{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}."
    for effort, text in (("", "."), ("off", "False."), ("on", "True.")):
        assert (
            make_prompt(request(messages=HELLO, reasoning_effort=effort), template, TOKENS, templates).text
            == text
        )
    options = request(messages=HELLO, reasoning_effort="off", template_options={"enable_thinking": "mine"})
    assert make_prompt(options, template, TOKENS, templates).text == "mine."


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for %}<|im_start|><tool_call>", "TemplateSyntaxError"),
        ("{{ raise_exception('not you') }}<|im_start|><tool_call>", "not you"),
        ("{{ ''.__class__.__mro__ }}<|im_start|><tool_call>", "SecurityError"),
        ("{{ 'x' * 10**9 }}<|im_start|><tool_call>", "memory"),
    ],
)
def test_a_broken_template_says_so_and_the_familys_plain_turns_are_used(
    templates: TemplateChild, template: str, reason: str
) -> None:
    prompt = make_prompt(request(messages=HELLO), template, TOKENS, templates)
    assert prompt.text == "<|im_start|>user\nHello?<|im_end|>\n<|im_start|>assistant\n"
    assert prompt.output is HERMES
    assert isinstance(prompt.notice, TemplateNotice)
    assert prompt.notice.fallback == "ChatML"
    assert reason in prompt.notice.reason

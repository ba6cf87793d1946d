"""Prompts are those of transformers, byte for byte: our own templates with every construct real ones use."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.chat.template import TemplateVariables, render
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.errors import TemplateBroken
from tests.support.transformers_prompts import expected_prompts

TEMPLATES = sorted((Path(__file__).parent / "templates").glob("*.jinja"))
TOOLS: tuple[dict[str, Any], ...] = (
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Says what the weather will be <soon> & „später“.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where"},
                    "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                    "days": {"type": "array", "items": {"type": "integer"}},
                    "place": {"type": "object", "properties": {"lat": {"type": "number"}}},
                },
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object"}}},
)
CALLS = (
    ToolCallPart(name="weather", arguments='{"city": "Zürich", "days": [1, 2]}', call_id="abcdef123"),
    ToolCallPart(name="now", arguments="{}", call_id="abcdef124"),
)
CONVERSATIONS: dict[str, tuple[ChatMessage, ...]] = {
    "question": (ChatMessage(role="user", text="Why?"),),
    "turns": (
        ChatMessage(role="system", text=" Be brief. "),
        ChatMessage(role="user", text="Who are you?\n"),
        ChatMessage(role="assistant", text="A retort. <b>é</b> 😀"),
        ChatMessage(role="user", text="What is a retort?"),
    ),
    "reasoning": (
        ChatMessage(role="user", text="Two and two?"),
        ChatMessage(role="assistant", reasoning="\nAdd them.\n", text="Four."),
        ChatMessage(role="user", text="And two?"),
        ChatMessage(role="assistant", text="<think>\nOnce more.\n</think>\n\nSix."),
    ),
    "calls": (
        ChatMessage(role="system", text="Use tools."),
        ChatMessage(role="user", text="Weather in Zürich?"),
        ChatMessage(role="assistant", reasoning="I ask.", text="One moment.", tool_calls=CALLS),
        ChatMessage(role="tool", text='{"sky": "grey"}', call_id="abcdef123"),
        ChatMessage(role="tool", text="noon", call_id="abcdef124"),
        ChatMessage(role="assistant", text="Grey."),
        ChatMessage(role="user", text="And now?"),
        ChatMessage(role="assistant", tool_calls=CALLS[:1]),
    ),
}
VARIABLES = {
    "bare": TemplateVariables(special_tokens={"bos_token": "<s>", "eos_token": "</s>"}),
    "full": TemplateVariables(
        special_tokens={"bos_token": "<s>", "eos_token": "</s>"},
        tools=TOOLS,
        documents=({"title": "One", "text": "First."}, {"title": "Two", "text": "Second."}),
        options={"enable_thinking": False, "reasoning_effort": "high", "custom": {"depth": 3}},
    ),
    "no generation prompt": TemplateVariables(
        special_tokens={"bos_token": "", "eos_token": ""}, add_generation_prompt=False
    ),
}


def is_one_of(
    expected: set[str], source: str, messages: tuple[ChatMessage, ...], variables: TemplateVariables
) -> bool:
    """Whether our prompt is one of these; where there are none, whether we refuse too."""
    try:
        return render(source, messages, variables) in expected
    except TemplateBroken:
        return not expected


def test_there_are_templates_enough() -> None:
    assert len(TEMPLATES) >= 30


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["", "crlf"])
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_prompt_is_the_one_that_transformers_renders(path: Path, line_end: str) -> None:
    source = path.read_text(encoding="utf-8").replace("\n", line_end)
    rendered = 0
    for conversation, messages in CONVERSATIONS.items():
        for name, variables in VARIABLES.items():
            expected = expected_prompts(source, messages, variables)
            assert is_one_of(expected, source, messages, variables), (conversation, name)
            rendered += bool(expected)
    assert rendered, "no conversation suits this template: it shows nothing"


def test_templates_of_real_tokenizers_render_the_same(shared_data: Path) -> None:
    sources = []
    for config in sorted(shared_data.rglob("tokenizer_config.json")):
        template = json.loads(config.read_text(encoding="utf-8")).get("chat_template")
        sources += [template] if isinstance(template, str) else []
    sources += [path.read_text(encoding="utf-8") for path in sorted(shared_data.rglob("*.jinja"))]
    if not sources:
        pytest.skip("../shared/data has no chat templates")
    for source in sources:
        for messages in CONVERSATIONS.values():
            for variables in VARIABLES.values():
                expected = expected_prompts(source, messages, variables)
                assert is_one_of(expected, source, messages, variables)

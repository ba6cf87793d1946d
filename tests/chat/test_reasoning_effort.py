from typing import Any

import pytest

from engine.chat.reasoning_effort import effort_variables, reasoning_efforts


@pytest.mark.parametrize(
    ("template", "efforts"),
    [
        ("{{ messages[0].content }}", ()),
        ("{%- if enable_thinking is defined and not enable_thinking %}</think>{% endif %}", ("off", "on")),
        ("{% set enable_thinking = enable_thinking | default(true) %}{{ enable_thinking }}", ("off", "on")),
        ("{% if not thinking is defined %}{% set thinking = false %}{% endif %}", ("off", "on")),
        ("{% if thinking_mode == 'disabled' %}{% endif %}", ("off", "on")),
        ("{% if thinking_budget == 0 %}{% endif %}", ("off", "on")),
        ("{{ 'Reasoning: ' + reasoning_effort }}", ("low", "medium", "high")),
        (
            "{% if reasoning_effort in ['low', 'high'] or reasoning_effort == 'no_think' %}{% endif %}",
            ("off", "low", "high"),
        ),
        ('{% if reasoning_effort | lower == "none" %}{% endif %}', ("off", "low", "medium", "high")),
        ("{% if enable_thinking and reasoning_effort == 'max' %}{% endif %}", ("off", "max")),
        ("{{ message.thinking }}{{ message['enable_thinking'] }}", ()),
        ("{{ 'thinking enable_thinking reasoning_effort' }}", ()),
        ("enable_thinking and reasoning_effort are words of the text", ()),
        ("{% set thinking = message.x %}{{ thinking }}", ()),
        ("{% for thinking in messages %}{{ thinking }}{% endfor %}", ()),
        ("{{ f(thinking=1) }}{% macro thinking() %}{% endmacro %}", ()),
        ("{% if unclosed enable_thinking", ()),
    ],
)
def test_what_a_template_lets_choose(template: str, efforts: tuple[str, ...]) -> None:
    assert reasoning_efforts(template) == efforts


@pytest.mark.parametrize(
    ("template", "effort", "variables"),
    [
        ("{{ enable_thinking }}", "off", {"enable_thinking": False}),
        ("{{ enable_thinking }}", "on", {"enable_thinking": True}),
        ("{{ enable_thinking }}", "", {}),
        ("{{ enable_thinking }}", "high", {"enable_thinking": True}),
        ("{{ enable_thinking }}", "minimal", {"enable_thinking": False}),
        ("{{ nothing }}", "high", {}),
        ("{{ reasoning_effort }}", "on", {}),
        ("{{ reasoning_effort }}", "high", {"reasoning_effort": "high"}),
        ("{{ reasoning_effort }}", "off", {}),
        ("{{ thinking_budget }}", "off", {"thinking_budget": 0}),
        ("{{ thinking_mode }}", "on", {"thinking_mode": "enabled"}),
        (
            "{% if thinking and reasoning_effort == 'max' %}{% endif %}",
            "max",
            {"thinking": True, "reasoning_effort": "max"},
        ),
        ("{% if thinking and reasoning_effort == 'max' %}{% endif %}", "off", {"thinking": False}),
        (
            "{% if reasoning_effort in ['no_think', 'low', 'high'] %}{% endif %}",
            "off",
            {"reasoning_effort": "no_think"},
        ),
    ],
)
def test_the_variables_that_ask_for_an_effort(template: str, effort: str, variables: dict[str, Any]) -> None:
    assert effort_variables(template, effort) == variables


def test_a_template_of_any_length_is_read_at_once() -> None:
    assert reasoning_efforts("{% set thinking = '" * 100_000) == ()
    assert reasoning_efforts("{{ 'a\\" * 100_000) == ()
    assert reasoning_efforts("{{ '" + "\\'" * 100_000 + "}}") == ()
    assert reasoning_efforts("{{ " + "reasoning_effort in [" * 50_000 + "}}") == ("low", "medium", "high")
    assert reasoning_efforts("{{ enable_thinking " + "and thinking " * 50_000 + "}}") == ("off", "on")

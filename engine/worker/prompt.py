"""From a request to the text of its prompt: the model's own template, else plain turns, else plain text."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.chat.fallback import choose_turns, fallback_prompt
from engine.chat.formats import PLAIN, choose_format
from engine.chat.output_format import OutputFormat
from engine.chat.reasoning_effort import effort_variables
from engine.chat.template import TemplateVariables, plain_prompt
from engine.contract.errors import TemplateBroken
from engine.contract.messages import GenerateRequest, TemplateNotice
from engine.worker.template_child import TemplateChild


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The text a model goes on with, and how to read what it answers."""

    text: str
    output: OutputFormat
    add_special: bool  # whether tokens such as BOS are still to be added
    notice: TemplateNotice | None = None


def make_prompt(
    request: GenerateRequest, template: str, special_tokens: Mapping[str, str], templates: TemplateChild
) -> Prompt:
    """The prompt of a request; never fails for a template's sake: `notice` tells what was done instead."""
    if not request.messages or not template:
        text = plain_prompt(request.messages) if request.messages else request.prompt
        return Prompt(text=text, output=PLAIN, add_special=True)
    variables = TemplateVariables(
        special_tokens=dict(special_tokens),
        tools=request.tools,
        documents=request.documents,
        options=effort_variables(template, request.reasoning_effort) | request.template_options,
        continue_last=request.continue_last,
    )
    output = choose_format(template)
    try:
        text = templates.render(template, request.messages, variables)
        return Prompt(text=text, output=output, add_special=False)
    except TemplateBroken as error:
        turns = choose_turns(template)
        text = fallback_prompt(turns, request.messages, special_tokens, continue_last=request.continue_last)
        notice = TemplateNotice(fallback=turns.name, reason=str(error.details["reason"]))
        return Prompt(text=text, output=output, add_special=False, notice=notice)

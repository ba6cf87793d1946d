"""The templates of real families: prompts are those of transformers, byte for byte, from the real child."""

import json
import os
import random

import msgspec

from engine.chat.formats import choose_format
from engine.chat.output_parser import OutputParser
from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.errors import TemplateBroken
from engine.worker.template_child import TemplateChild
from tests.support.drawn_conversations import draw_messages, draw_variables
from tests.support.real_templates import real_templates
from tests.support.transformers_prompts import expected_prompts

DRAWN = 40 if os.environ.get("RETORT_FULL_TESTS") else 5  # conversations for each template
MOST_DRAWN = 200  # until a template that refuses most conversations has taken one
NEVER_RENDERED = {
    "fireworks-ai-llama-3-firefunction-v2",  # wants its tools as text in a variable of its own
    "llama-cpp-deepseek-r1",  # writes a generator as JSON as soon as there are tools
}


def patiently_rendered(
    child: TemplateChild, source: str, messages: tuple[ChatMessage, ...], variables: TemplateVariables
) -> str:
    """The prompt, asked for again where a busy machine and not the template took the time."""
    for _ in range(5):
        try:
            return child.render(source, messages, variables)
        except TemplateBroken as error:
            if "more than" not in str(error):
                raise
    raise TemplateBroken("it is always too slow")


def test_real_prompts_are_those_of_transformers() -> None:
    seed = random.SystemRandom().randrange(2**32)
    rng = random.Random(seed)
    child = TemplateChild()
    differences, rendered = [], set()
    try:
        for name, source in real_templates().items():
            for number in range(DRAWN if name in NEVER_RENDERED else MOST_DRAWN):
                if number >= DRAWN and name in rendered:
                    break
                messages, variables = draw_messages(rng), draw_variables(rng)
                expected = expected_prompts(source, messages, variables)
                try:
                    prompt = patiently_rendered(child, source, messages, variables)
                except TemplateBroken as error:
                    if expected:
                        differences.append((name, str(error), messages))
                    continue
                if prompt in expected:
                    rendered.add(name)
                else:
                    differences.append((name, prompt[-300:], messages))
    finally:
        child.close()
    assert not differences, (seed, len(differences), differences[0])
    assert set(real_templates()) - rendered <= NEVER_RENDERED
    assert len(rendered) >= 30


QUESTION = ChatMessage(role="user", text="Weather?")
CALL = ToolCallPart(name="weather", arguments='{"city": "Zürich", "days": 2}', call_id="abcdef123")
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Says it.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where"},
                "days": {"type": "integer", "description": "How many"},
            },
            "required": ["city"],
        },
    },
}
NOT_READ = {"muse-glimmer"}  # a format of its own that no model people run has


def written(child: TemplateChild, source: str, answer: ChatMessage) -> tuple[str, str]:
    """A prompt and what the template writes for an answer to it; empty where the two do not meet."""
    variables = TemplateVariables(
        special_tokens={"bos_token": "<s>", "eos_token": "</s>"}, tools=(TOOL,), add_generation_prompt=False
    )
    opened = msgspec.structs.replace(variables, add_generation_prompt=True)
    prompt = patiently_rendered(child, source, (QUESTION,), opened)
    whole = patiently_rendered(child, source, (QUESTION, answer), variables)
    return prompt, whole.removeprefix(prompt) if whole.startswith(prompt) else ""


def test_a_call_is_read_back_as_its_template_writes_it() -> None:
    child = TemplateChild()
    read, wrong = set(), []
    try:
        for name, source in real_templates().items():
            if name in NEVER_RENDERED | NOT_READ:
                continue
            try:
                _, plain = written(child, source, ChatMessage(role="assistant", text="Four."))
                prompt, text = written(child, source, ChatMessage(role="assistant", tool_calls=(CALL,)))
            except TemplateBroken:  # it refuses calls
                continue
            if "rich" not in text:  # it leaves calls out
                continue
            end = plain.rpartition("Four.")[2].strip() or "</s>"
            parser = OutputParser(choose_format(source), prompt=prompt, tools=[TOOL])
            parts = [
                part
                for character in text.strip().removesuffix("<|eom_id|>").removesuffix(end)
                for part in parser.feed(character)
            ]
            answer = ChatMessage.answer([*parts, *parser.finish()])
            calls = [(call.name, json.loads(call.arguments), call.error) for call in answer.tool_calls]
            if calls == [("weather", json.loads(CALL.arguments), "")]:
                read.add(name)
            else:
                wrong.append((name, text, answer))
    finally:
        child.close()
    assert not wrong, wrong
    assert len(read) >= 40

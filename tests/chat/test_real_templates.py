"""The templates of real families: prompts are those of transformers, byte for byte, from the real child."""

import os
import random

from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage
from engine.contract.errors import TemplateBroken
from engine.worker.template_child import TemplateChild
from tests.support.drawn_conversations import draw_messages, draw_variables
from tests.support.real_templates import real_templates
from tests.support.transformers_prompts import expected_prompts

DRAWN = 40 if os.environ.get("RETORT_FULL_TESTS") else 5  # conversations for each template
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
            for _ in range(DRAWN):
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

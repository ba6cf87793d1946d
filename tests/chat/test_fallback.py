import pytest

from engine.chat.fallback import CHATML, choose_turns, fallback_prompt
from engine.contract.chat import ChatMessage, ToolCallPart

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
CONVERSATION = (
    ChatMessage(role="system", text="Be {brief}."),
    ChatMessage(role="user", text="Why?"),
    ChatMessage(role="assistant", reasoning="Hm.", text="Because."),
    ChatMessage(role="user", text="And {0}?"),
)


@pytest.mark.parametrize(
    ("template", "name", "prompt"),
    [
        (
            "{% for %}<|im_start|>",
            "ChatML",
            "<|im_start|>system\nBe {brief}.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
            "<|im_start|>assistant\nBecause.<|im_end|>\n<|im_start|>user\nAnd {0}?<|im_end|>\n"
            "<|im_start|>assistant\n",
        ),
        (
            "<|start_header_id|>",
            "Llama 3",
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe {brief}.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nBecause.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nAnd {0}?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            "<start_of_turn>",
            "Gemma",
            "<s><start_of_turn>user\nBe {brief}.\n\nWhy?<end_of_turn>\n<start_of_turn>model\nBecause."
            "<end_of_turn>\n<start_of_turn>user\nAnd {0}?<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            "[INST] [/INST]",
            "Mistral",
            "<s>[INST] Be {brief}.\n\nWhy? [/INST] Because.</s>[INST] And {0}? [/INST]",
        ),
        (
            "<｜User｜>",
            "DeepSeek",
            "<s><｜User｜>Be {brief}.\n\nWhy?<｜Assistant｜>Because.<｜end▁of▁sentence｜>"
            "<｜User｜>And {0}?<｜Assistant｜>",
        ),
        (
            "<|channel|><|message|>",
            "gpt-oss",
            "<|start|>developer<|message|>Be {brief}.<|end|><|start|>user<|message|>Why?<|end|>"
            "<|start|>assistant<|channel|>final<|message|>Because.<|end|>"
            "<|start|>user<|message|>And {0}?<|end|><|start|>assistant",
        ),
        (
            "<|user|><|end|>",
            "Phi",
            "<|system|>\nBe {brief}.<|end|>\n<|user|>\nWhy?<|end|>\n<|assistant|>\nBecause.<|end|>\n"
            "<|user|>\nAnd {0}?<|end|>\n<|assistant|>\n",
        ),
        (
            "<|user|>",
            "Zephyr",
            "<|system|>\nBe {brief}.</s>\n<|user|>\nWhy?</s>\n<|assistant|>\nBecause.</s>\n"
            "<|user|>\nAnd {0}?</s>\n<|assistant|>\n",
        ),
    ],
)
def test_a_broken_template_still_tells_its_familys_turns(template: str, name: str, prompt: str) -> None:
    turns = choose_turns(template)
    assert turns.name == name
    assert fallback_prompt(turns, CONVERSATION, TOKENS) == prompt


def test_where_nothing_tells_it_is_chatml() -> None:
    assert choose_turns("{{ nonsense") is CHATML


def test_results_of_tools_are_said_by_the_user() -> None:
    messages = (
        ChatMessage(role="assistant", text="I ask.", tool_calls=(ToolCallPart(name="f"),)),
        ChatMessage(role="tool", text="42"),
    )
    assert fallback_prompt(CHATML, messages, {}) == (
        "<|im_start|>assistant\nI ask.<|im_end|>\n<|im_start|>user\n42<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_answer_goes_on_where_it_ends() -> None:
    messages = (ChatMessage(role="user", text="Count."), ChatMessage(role="assistant", text="One, two,"))
    assert fallback_prompt(CHATML, messages, {}, continue_last=True) == (
        "<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\nOne, two,"
    )


@pytest.mark.parametrize("template", ["<|im_start|>", "[INST]", "<|channel|><|message|>", "<｜User｜>"])
def test_an_answer_that_goes_on_stands_as_it_will_when_it_is_finished(template: str) -> None:
    turns = choose_turns(template)
    question, answer = (
        ChatMessage(role="user", text="Count."),
        ChatMessage(role="assistant", text="One, two,"),
    )
    going_on = fallback_prompt(turns, (question, answer), TOKENS, continue_last=True)
    finished = fallback_prompt(turns, (question, answer, question), TOKENS)
    assert going_on.endswith(answer.text)
    assert finished.startswith(going_on)

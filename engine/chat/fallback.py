"""What a prompt is made of where the model's own template fails: the plain turns of its family.

The broken template still names its family's marks, and so tells which turns the model knows; one that names
none gets ChatML, which most models have seen. Tools and documents are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.chat.adaptations import neighbours_joined, system_in_user
from engine.contract.chat import ChatMessage


@dataclass(frozen=True, kw_only=True)
class Turns:
    """How one family tells who says what."""

    name: str  # as it is shown
    telling: tuple[str, ...]  # stand in the family's templates, all of them
    turn: str  # of anyone but the assistant; knows {role} and {text}
    answer: str  # a finished one; knows {text}
    opening: str  # of the answer that is to come
    beginning: str = ""  # of the prompt
    knows_system: bool = True
    roles: Mapping[str, str] | None = None  # other names for them


CHATML = Turns(
    name="ChatML",
    telling=("<|im_start|>",),
    turn="<|im_start|>{role}\n{text}<|im_end|>\n",
    answer="<|im_start|>assistant\n{text}<|im_end|>\n",
    opening="<|im_start|>assistant\n",
)
_FAMILIES = (
    CHATML,
    Turns(
        name="Llama 3",
        telling=("<|start_header_id|>",),
        beginning="{bos_token}",
        turn="<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>",
        answer="<|start_header_id|>assistant<|end_header_id|>\n\n{text}<|eot_id|>",
        opening="<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    Turns(
        name="Gemma",
        telling=("<start_of_turn>",),
        beginning="{bos_token}",
        turn="<start_of_turn>{role}\n{text}<end_of_turn>\n",
        answer="<start_of_turn>model\n{text}<end_of_turn>\n",
        opening="<start_of_turn>model\n",
        knows_system=False,
    ),
    Turns(
        name="Gemma 4",
        telling=("<|turn>",),
        beginning="{bos_token}",
        turn="<|turn>{role}\n{text}<turn|>\n",
        answer="<|turn>model\n{text}<turn|>\n",
        opening="<|turn>model\n",
    ),
    Turns(
        name="Mistral",
        telling=("[INST]",),
        beginning="{bos_token}",
        turn="[INST] {text} [/INST]",
        answer=" {text}{eos_token}",
        opening="",
        knows_system=False,
    ),
    Turns(
        name="DeepSeek",
        telling=("<｜User｜>",),
        beginning="{bos_token}",
        turn="<｜{role}｜>{text}",
        answer="<｜Assistant｜>{text}<｜end▁of▁sentence｜>",
        opening="<｜Assistant｜>",
        knows_system=False,
        roles={"user": "User"},
    ),
    Turns(
        name="gpt-oss",
        telling=("<|channel|>", "<|message|>"),
        turn="<|start|>{role}<|message|>{text}<|end|>",
        answer="<|start|>assistant<|channel|>final<|message|>{text}<|end|>",
        opening="<|start|>assistant",
        roles={"system": "developer"},
    ),
    Turns(
        name="Phi",
        telling=("<|user|>", "<|end|>"),
        turn="<|{role}|>\n{text}<|end|>\n",
        answer="<|assistant|>\n{text}<|end|>\n",
        opening="<|assistant|>\n",
    ),
    Turns(
        name="Zephyr",
        telling=("<|user|>",),
        turn="<|{role}|>\n{text}{eos_token}\n",
        answer="<|assistant|>\n{text}{eos_token}\n",
        opening="<|assistant|>\n",
    ),
)


def choose_turns(template: str) -> Turns:
    """The turns of the family that a template is for, as far as its marks tell."""
    return next((turns for turns in _FAMILIES if all(mark in template for mark in turns.telling)), CHATML)


def fallback_prompt(
    turns: Turns,
    messages: Sequence[ChatMessage],
    special_tokens: Mapping[str, str],
    *,
    continue_last: bool = False,
) -> str:
    """A prompt in plain turns; it ends where a new answer begins, or in the last message, which goes on."""
    unfinished = messages[-1] if continue_last and messages else None
    if unfinished is not None:
        messages = messages[:-1]
    if not turns.knows_system:
        messages = neighbours_joined(system_in_user(tuple(messages)))
    tokens = {name: special_tokens.get(name, "") for name in ("bos_token", "eos_token")}
    prompt = turns.beginning.format(**tokens)
    for message in messages:
        if message.role == "assistant":
            prompt += turns.answer.format(text=message.text, **tokens)
            continue
        role = "system" if message.role == "system" and turns.knows_system else "user"
        role = (turns.roles or {}).get(role, role)
        prompt += turns.turn.format(role=role, text=message.text, **tokens)
    if unfinished is None:
        return prompt + turns.opening
    # as it stands when finished: gpt-oss opens a channel before the text, Mistral begins with a space
    before_text, _, _ = turns.answer.partition("{text}")
    return prompt + before_text + unfinished.text

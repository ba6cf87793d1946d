"""The families people run, each as a table of regions and marks, and how a chat template tells which it is.

A mark that is an ordinary word of the language of prompts (`<think>`) opens reasoning only where an answer or
what follows a call begins, so that an answer may speak of it; control tokens count wherever they stand.
"""

import re

from engine.chat import call_bodies, element_calls, python_calls
from engine.chat import rarer_formats as rarer
from engine.chat.output_format import ROUTED, OutputFormat, Region
from engine.chat.tagged import tagged

PLAIN = OutputFormat(name="plain", regions={"start": Region(kind="text")})
"""An answer that is text and nothing else: models without a template, Gemma 2 and 3."""


THINK = tagged("think")
"""Reasoning between `<think>` and `</think>`, and no calls: QwQ and most fine-tunes that reason."""

HERMES = tagged("hermes", calls={"<tool_call>": "</tool_call>"})
"""Qwen 2.5 and 3, Hermes: `<tool_call>{"name": …, "arguments": …}</tool_call>`.

Documented in Qwen3's chat template and in NousResearch/Hermes-Function-Calling.
"""

QWEN_CODER = tagged(
    "qwen-coder",
    calls={"<tool_call>": "</tool_call>", "<function=": "</function>"},
    dropped=("</tool_call>",),
    kept=("<function=",),
    read_calls=element_calls.function_calls,
    calls_need_close=True,
)
"""Qwen3-Coder, Qwen 3.5: `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`.

Documented in the models' chat templates. Models often leave the first mark out (QwenLM/Qwen3-Coder#475,
ollama/ollama#16686), so `<function=` opens a call too.
"""

GLM = tagged(
    "glm",
    calls={"<tool_call>": "</tool_call>"},
    read_calls=element_calls.keyed_call,
    calls_need_close=True,
)
"""GLM 4.5 to 4.7: `<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`.

Documented in the chat template of GLM-4.6; 4.7 writes the same without line ends.
"""

MINIMAX = tagged(
    "minimax",
    calls={"<minimax:tool_call>": "</minimax:tool_call>"},
    read_calls=element_calls.invoke_calls,
    calls_need_close=True,
)
"""MiniMax M2: `<minimax:tool_call><invoke name="…"><parameter name="…">value</parameter></invoke>…`.

Documented in the model's chat template and in MiniMax-M2's docs/tool_calling_guide.md.
"""

DEEPSEEK = tagged(
    "deepseek",
    calls={"<｜tool▁call▁begin｜>": "<｜tool▁call▁end｜>"},
    dropped=("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    read_calls=call_bodies.named_json_call,
    calls_in_reasoning=True,
    inner_marks=("<｜tool▁sep｜>",),
)
"""DeepSeek R1, V3 and V3.1, and what is distilled from R1: calls between tokens of their own.

Documented in the models' chat templates: V3.1 writes `name<sep>{…}`, the others `function<sep>name` and a
fenced block.
"""

DEEPSEEK_DSML = tagged(
    "deepseek-dsml",
    calls={
        "<｜DSML｜function_calls>": "</｜DSML｜function_calls>",
        "<｜DSML｜tool_calls>": "</｜DSML｜tool_calls>",
    },
    read_calls=element_calls.invoke_calls,
    calls_need_close=True,
    inner_marks=("｜DSML｜",),
)
"""DeepSeek V3.2 and V4: MiniMax's elements with `｜DSML｜` before their names and the type beside each value.

Documented in DeepSeek-V3.2's encoding/encoding_dsv32.py; V4 calls the outer element `tool_calls`.
"""

KIMI = tagged(
    "kimi",
    calls={"<|tool_call_begin|>": "<|tool_call_end|>"},
    dropped=("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    read_calls=call_bodies.identified_json_call,
    calls_in_reasoning=True,
    inner_marks=("<|tool_call_argument_begin|>",),
)
"""Kimi K2: `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{…}<|tool_call_end|>`.

Documented in the chat template and in the model's docs/tool_call_guidance.md.
"""

MISTRAL = tagged(
    "mistral",
    think=("[THINK]", "[/THINK]"),
    calls={"[TOOL_CALLS]": ""},
    read_calls=call_bodies.bracketed_calls,
    thinks_anywhere=True,
    inner_marks=("[ARGS]", "[CALL_ID]"),
)
"""Mistral: `[TOOL_CALLS][{…}]` or, from 2025 on, `[TOOL_CALLS]name[ARGS]{…}`; Magistral thinks in `[THINK]`.

Documented in the chat templates of Mistral Small 3.2 and Devstral, in mistral-common, and in the model card
of Magistral Small 2507.
"""

LLAMA = tagged(
    "llama",
    calls={"<|python_tag|>": "", "<|python_start|>": "<|python_end|>"},
    at_start=tuple(
        "{" + blank + start
        for blank in ("", " ", "\n", "\n  ", "\n    ")
        for start in ('"name"', '"type": "function"', '"type":"function"', '"function"')
    ),
    named_starts=("[{name}(", "[ {name}("),
    read_calls=python_calls.python_code,
)
"""Llama 3 and 4: `{"name": …, "parameters": …}` or `[name(key=value)]` as an answer, or what follows a tag.

Documented in the chat template of Llama 3.1 and in Meta's prompt_format.md of llama3_1, llama3_2 and llama4.
Without a mark a call is told from an answer in JSON by its first key, from a list by a tool's name, and only
where tools are offered.
"""

FUNCTION_GEMMA = tagged(
    "function-gemma",
    calls={"<start_function_call>": "<end_function_call>"},
    read_calls=element_calls.braced_call,
    inner_marks=("<escape>",),
)
"""FunctionGemma: `<start_function_call>call:name{key:<escape>text<escape>}<end_function_call>`.

Documented at ai.google.dev, "FunctionGemma formatting and best practices".
"""

GEMMA = tagged(
    "gemma",
    think=("<|channel>thought", "<channel|>"),
    calls={"<|tool_call>": "<tool_call|>"},
    dropped=("<channel|>",),
    read_calls=element_calls.braced_call,
    calls_in_reasoning=True,
    thinks_anywhere=True,
    inner_marks=("<|channel>", '<|"|>'),
)
"""Gemma 4: `<|channel>thought…<channel|>` and `<|tool_call>call:name{key:<|"|>text<|"|>}<tool_call|>`.

Documented at ai.google.dev, "Gemma 4 Prompt Formatting", and in the model's chat template.
"""


def _channel(header: str) -> str:
    """Which region a gpt-oss header opens."""
    if re.search(r"\bto=(?!assistant\b)", header):
        return "call"
    return "reasoning" if re.search(r"(?:^|<\|channel\|>)\s*analysis", header) else "text"


def _harmony() -> OutputFormat:
    opens = {"<|start|>": "header", "<|channel|>": "header", "<|message|>": "text"}
    ends = dict.fromkeys(("<|end|>", "<|call|>", "<|return|>"), "between")
    content = opens | ends
    return OutputFormat(
        name="harmony",
        regions={
            "start": Region(kind="header", steps={"<|message|>": ROUTED, "<|start|>": "header"} | ends),
            "header": Region(kind="header", steps={"<|message|>": ROUTED, "<|start|>": "header"} | ends),
            "between": Region(kind="text", steps=content),
            "text": Region(kind="text", steps=content),
            "reasoning": Region(kind="reasoning", steps=content),
            "call": Region(kind="call", steps={"<|start|>": "header"} | ends),
        },
        read_calls=call_bodies.addressed_json_call,
        route=_channel,
        inner_marks=("<|channel|>", "<|constrain|>"),
        reasoning_begin=("<|channel|>analysis<|message|>",),
        reasoning_end="<|end|><|start|>assistant<|channel|>final<|message|>",
    )


HARMONY = _harmony()
"""gpt-oss: messages in channels; analysis is reasoning, commentary with a recipient a call, the rest text.

Documented in openai/harmony, docs/format.md. A prompt ends in `<|start|>assistant`: the answer begins in a
header.
"""

# The first family whose words all stand in the template is the one; the most telling come first.
_TELLING: tuple[tuple[OutputFormat, tuple[str, ...]], ...] = (
    (HARMONY, ("<|channel|>", "<|message|>")),
    (GEMMA, ("<|tool_call>",)),
    (GEMMA, ("<|channel>",)),
    (FUNCTION_GEMMA, ("<start_function_call>",)),
    (DEEPSEEK_DSML, ("｜DSML｜",)),
    (DEEPSEEK, ("<｜tool▁call▁begin｜>",)),
    (DEEPSEEK, ("<｜Assistant｜>",)),
    (KIMI, ("<|tool_call_begin|>",)),
    (KIMI, ("<|im_middle|>",)),
    (MINIMAX, ("<minimax:tool_call>",)),
    *rarer.TELLING,
    (MISTRAL, ("[TOOL_CALLS]",)),
    (MISTRAL, ("[THINK]",)),
    (MISTRAL, ("[INST]", "[/INST]")),
    (GLM, ("<arg_key>",)),
    (QWEN_CODER, ("<function=", "<parameter=")),
    (HERMES, ("<tool_call>",)),
    (LLAMA, ("<|python_tag|>",)),
    (LLAMA, ("<|python_start|>",)),
    (LLAMA, ("<|start_header_id|>", '"parameters"')),
    (THINK, ("<think>",)),
)
FORMATS = (PLAIN, *{output.name: output for output, _ in _TELLING}.values())


def choose_format(template: str) -> OutputFormat:
    """The format of the answers that a chat template asks for; plain text where it names no marks."""
    return next((output for output, words in _TELLING if all(word in template for word in words)), PLAIN)

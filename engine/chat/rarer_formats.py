"""Families that fewer people run, in the same tables as those of `engine.chat.formats`.

Each is documented by the chat template of the model it is named after.
"""

from engine.chat import call_bodies, element_calls, python_calls
from engine.chat.output_format import BARE_CALL, OutputFormat, Region
from engine.chat.tagged import tagged

SEED = tagged(
    "seed-oss",
    think=("<seed:think>", "</seed:think>"),
    calls={"<seed:tool_call>": "</seed:tool_call>"},
    read_calls=element_calls.function_calls,
    calls_need_close=True,
    thinks_anywhere=True,
)
"""ByteDance Seed-OSS: Qwen3-Coder's elements between marks of its own."""

MINIMAX_M3 = tagged(
    "minimax-m3",
    think=("<mm:think>", "</mm:think>"),
    calls={
        element_calls.MINIMAX_TOKEN + "<tool_call>": element_calls.MINIMAX_TOKEN + "</tool_call>",
    },
    read_calls=element_calls.invoked_elements,
    calls_need_close=True,
    thinks_anywhere=True,
    inner_marks=(element_calls.MINIMAX_TOKEN,),
)
"""MiniMax M3: a token before every element, and each argument in an element of its name."""

MINICPM = tagged(
    "minicpm",
    calls={'<function name="': "</function>"},
    kept=('<function name="',),
    read_calls=lambda body, schemas: element_calls.invoke_calls(body + "</function>", schemas),
    calls_need_close=True,
)
"""MiniCPM 5: `<function name="…"><param name="…">value</param></function>` after the reasoning."""


FUNCTIONARY = tagged(
    "functionary",
    calls={"<function=": "</function>", "<|python_tag|>": ""},
    kept=("<function=",),
    read_calls=lambda body, schemas: (
        element_calls.function_calls(body, schemas)
        if body.startswith("<function=")
        else python_calls.python_code(body, schemas)
    ),
)
"""Functionary 3.1: `<function=name>{…}</function>`, and Llama's tag before code."""

COHERE = tagged(
    "cohere",
    think=("<|START_THINKING|>", "<|END_THINKING|>"),
    calls={"<|START_ACTION|>": "<|END_ACTION|>"},
    dropped=("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
    thinks_anywhere=True,
)
"""Command R7B and A: a list of objects with tool_name and parameters between tokens; so is the answer."""

COMMAND_R = tagged("command-r", at_start=("Action:",), read_calls=call_bodies.fenced_json_calls)
"""Command R and R+: with tools an answer begins with `Action:` and a fenced list."""

APERTUS = tagged(
    "apertus",
    think=("<|inner_prefix|>", "<|inner_suffix|>"),
    calls={"<|tools_prefix|>": "<|tools_suffix|>"},
    read_calls=call_bodies.keyed_json_calls,
    thinks_anywhere=True,
)
"""Apertus: `<|tools_prefix|>[{"name": {…}}]<|tools_suffix|>`, reasoning between inner prefix and suffix."""

APRIEL = tagged(
    "apriel",
    think=("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    calls={"<tool_calls>": "</tool_calls>"},
    dropped=("[END FINAL RESPONSE]",),
)
"""Apriel: reasoning begins with a sentence and ends where the final response is said to begin."""

LISTED = tagged("listed", calls={"<tool_calls>": "</tool_calls>"})
"""Jamba, MiniMax M1: one pair of marks around JSON objects, in a list or one after another."""

NEMOTRON = tagged("nemotron", calls={"<TOOLCALL>": "</TOOLCALL>"})
"""Nemotron Nano 2: `<TOOLCALL>[{…}]</TOOLCALL>`."""

PHI = tagged("phi", calls={"<|tool_call|>": "<|/tool_call|>"}, dropped=("<response>", "</response>"))
"""Phi-4-mini: `<|tool_call|>[{…}]<|/tool_call|>`; Granite 3 leaves the second mark out."""

ERNIE = tagged("ernie", calls={"<tool_call>": "</tool_call>"}, dropped=("<response>", "</response>"))
"""Ernie 4.5: Hermes' calls, and the answer after the reasoning in an element."""

HUNYUAN = tagged(
    "hunyuan",
    calls={"<tool_call>": "</tool_call>"},
    dropped=("<tool_calls>", "</tool_calls>", "<answer>", "</answer>"),
    read_calls=call_bodies.named_json_block,
)
"""Hunyuan A13B: a name and a fenced block in `<tool_call>`, answers in `<answer>`."""

HUNYUAN_3 = tagged(
    "hunyuan-3",
    think=("<think:opensource>", "</think:opensource>"),
    calls={"<tool_call:opensource>": "</tool_call:opensource>"},
    dropped=("<tool_calls:opensource>", "</tool_calls:opensource>"),
    read_calls=lambda body, schemas: element_calls.keyed_call(
        body.replace("<tool_sep:opensource>", "\n"), schemas
    ),
    calls_need_close=True,
    thinks_anywhere=True,
    inner_marks=("<tool_sep:opensource>",),
)
"""Hunyuan 3: GLM's elements, with a word after each name."""

LFM = tagged("lfm", calls={"<|tool_call_start|>": "<|tool_call_end|>"}, read_calls=python_calls.python_calls)
"""LFM2: `<|tool_call_start|>[name(key="value")]<|tool_call_end|>`."""

OLMO = tagged("olmo", calls={"<function_calls>": "</function_calls>"}, read_calls=python_calls.python_calls)
"""Olmo 3: Python calls, one per line, between `<function_calls>` marks."""

KIMI_3 = tagged(
    "kimi-3",
    think=("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    calls={"<|open|>call ": "<|close|>call<|sep|>"},
    dropped=(
        *(f"<|{word}|>{name}<|sep|>" for word in ("open", "close") for name in ("response", "tools")),
        "<|close|>message<|sep|>",
    ),
    read_calls=element_calls.opened_call,
    calls_need_close=True,
    thinks_anywhere=True,
    inner_marks=("<|open|>", "<|close|>", "<|sep|>"),
)
"""Kimi K3: elements whose brackets are tokens."""

GIGACHAT = tagged(
    "gigachat",
    calls={"<|function_call|>": "<|message_sep|>", "function call<|role_sep|>": "<|message_sep|>"},
    dropped=("<|message_sep|>",),
    inner_marks=("<|role_sep|>",),
)
"""GigaChat 3: a message of the role `function call`, or a token, before a JSON object."""


FUNCTIONARY_3_2 = OutputFormat(
    name="functionary-3.2",
    regions={
        "start": Region(kind="text", steps={"all\n": "text"}, otherwise="text"),
        "text": Region(kind="text", steps={">>>": "start"}),
        BARE_CALL: Region(kind="call", steps={">>>": "start"}),
    },
    named_starts=("{name}\n",),
    read_calls=call_bodies.named_json_block,
)
"""Functionary 3.2: who is spoken to on the first line, `all` or a tool; `>>>` before the next."""


def _solar() -> OutputFormat:
    marks = dict.fromkeys(
        ("<|begin|>assistant", "<|end|>", "<|content|>", "<|tool_calls|>", "<|calls|>"), "text"
    ) | {"<|think|>": "reasoning", "<|tool_call:begin|>": "call"}
    return OutputFormat(
        name="solar",
        regions={
            "start": Region(kind="text", steps=marks, otherwise="text"),
            "text": Region(kind="text", steps=marks),
            "reasoning": Region(kind="reasoning", steps=marks),
            "call": Region(kind="call", steps={"<|tool_call:end|>": "text"}),
        },
        read_calls=call_bodies.token_separated_call,
        inner_marks=("<|begin|>", "<|tool_call:name|>", "<|tool_call:args|>"),
        reasoning_begin=("<|think|>",),
        reasoning_end="<|end|><|begin|>assistant<|content|>",
    )


SOLAR = _solar()
"""Solar Open: tokens before reasoning, content and calls, each part a message of its own."""

# As in `engine.chat.formats`: the first whose words all stand in the template; the most telling come first.
TELLING: tuple[tuple[OutputFormat, tuple[str, ...]], ...] = (
    (SEED, ("seed:tool_call",)),
    (SEED, ("seed:think",)),
    (MINIMAX_M3, ("]<]minimax[>[",)),
    (MINICPM, ('<function name="', "<param name=")),
    (KIMI_3, ("<|open|>", "<|sep|>")),
    (SOLAR, ("<|tool_call:begin|>",)),
    (HUNYUAN_3, (":opensource", "tool_sep")),
    (HUNYUAN, ("<answer>", "<tool_calls>")),
    (HUNYUAN, ("<answer>", "hy_")),
    (APERTUS, ("<|tools_prefix|>",)),
    (APRIEL, ("[BEGIN FINAL RESPONSE]",)),
    (COHERE, ("<|START_ACTION|>",)),
    (COHERE, ("<|START_RESPONSE|>",)),
    (COMMAND_R, ("directly-answer",)),
    (COMMAND_R, ("directly_answer",)),
    (GIGACHAT, ("<|role_sep|>",)),
    (LFM, ("<|tool_call_start|>",)),
    (LFM, ("<|tool_list_start|>",)),
    (NEMOTRON, ("<TOOLCALL>",)),
    (PHI, ("<|tool_call|>",)),
    (PHI, ("<|/tool|>",)),
    (FUNCTIONARY_3_2, (">>>all",)),
    (FUNCTIONARY, ("<function=", "<|python_tag|>")),
    (OLMO, ("<function_calls>",)),
    (LISTED, ("<tool_calls>",)),
    (ERNIE, ("<response>", "<tool_call>")),
)

"""How hard a model shall think: what its chat template lets choose, and the variables that say so.

Families name it differently: `enable_thinking` (Qwen, GLM), `thinking` (DeepSeek, Granite), `thinking_mode`
(MiniMax M3), `reasoning_effort` (gpt-oss, Hy3) … People choose one word. The template is read, not run: its
names and the words they are compared with stand in its code. The time is linear in its length.
"""

import re
from collections.abc import Iterator
from typing import Any

OFF, ON = "off", "on"

# What sets a template's switch to off and to on.
_SWITCHES: dict[str, tuple[Any, Any]] = {
    "enable_thinking": (False, True),
    "thinking": (False, True),
    "thinking_mode": ("disabled", "enabled"),
    "thinking_option": (OFF, ON),
    "thinking_budget": (0, -1),  # Seed-OSS; -1 is no limit
}
_LEVELS = ("reasoning_effort", "thinking_effort", "reasoning_strength")
_USUAL_LEVELS = ("low", "medium", "high")  # gpt-oss's template takes any word and names none
_WORDS_FOR_OFF = ("none", "no_think", OFF)
_ORDER = ("minimal", "low", "medium", "high", "max", "xhigh")

_BLOCK = re.compile(r"\{[%{]")
_STATEMENT_END = "\0"
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)", re.DOTALL)


def reasoning_efforts(template: str) -> tuple[str, ...]:
    """The words to choose from, from little to much; nothing where the template knows no such thing."""
    code = _code(template)
    levels = _levels(code)
    has_off = any(_asks_for(name, code) for name in _SWITCHES) or any(
        word in _WORDS_FOR_OFF for word in levels
    )
    shown = [word for word in levels if word not in _WORDS_FOR_OFF]
    if not shown:
        return (OFF, ON) if has_off else ()
    return (OFF, *shown) if has_off else tuple(shown)


def effort_variables(template: str, effort: str) -> dict[str, Any]:
    """The template's variables that ask for an effort; none where it knows nothing like it.

    A word that was chosen for another model counts as on or off where that is all there is to choose.
    """
    effort = _nearest(effort, reasoning_efforts(template))
    if not effort:
        return {}
    code = _code(template)
    levels = _levels(code)
    variables: dict[str, Any] = {
        name: values[effort != OFF] for name, values in _SWITCHES.items() if _asks_for(name, code)
    }
    word = next((word for word in levels if word in _WORDS_FOR_OFF), "") if effort == OFF else effort
    if word in levels:
        variables |= {name: word for name in _LEVELS if _asks_for(name, code)}
    return variables


def _nearest(effort: str, known: tuple[str, ...]) -> str:
    if not effort or effort in known:
        return effort
    if effort in (*_WORDS_FOR_OFF, "minimal"):
        return OFF if OFF in known else ""
    return ON if ON in known else ""


def _code(template: str) -> str:
    """The template's statements and expressions, with a mark after each."""
    return "".join(code + _STATEMENT_END for code in _blocks(template))


def _blocks(template: str) -> Iterator[str]:
    position = 0
    while found := _BLOCK.search(template, position):
        close = "%}" if found[0] == "{%" else "}}"
        end = template.find(close, found.end())
        if end < 0:
            return
        yield template[found.end() : end]
        position = end


def _asks_for(name: str, code: str) -> bool:
    """Whether the code reads a variable that it has not made itself."""
    bare = _TEXT.sub("''", code)
    # an attribute, a keyword argument or a loop's own variable is none
    found = re.search(rf"(?<![\w.])(?<!\bfor ){name}(?!\w)(?!\s*=[^=])(?!\s*\()", bare)
    made = re.search(rf"\b(?:set\s+{name}\s*=|for\s+{name}\s+in\b)[^{_STATEMENT_END}]*", bare)
    return found is not None and (made is None or found.start() < made.end())


def _levels(code: str) -> tuple[str, ...]:
    """The words that the code compares an effort with, in their order; the usual ones where it does not."""
    name = next((name for name in _LEVELS if _asks_for(name, code)), "")
    if not name:
        return ()
    compared = re.findall(
        rf"(?<![\w.]){name}\s*(?:\|\s*lower\s*)?(?:==|!=|not\s+in|in)\s*"
        r"(\[[^\]]{0,300}\]|'[^']{0,50}'|\"[^\"]{0,50}\")",
        code,
    )
    words = dict.fromkeys(text[1:-1] for part in compared for text in _TEXT.findall(part))
    known = [word for word in (*_WORDS_FOR_OFF, *_ORDER) if word in words]
    graded = [word for word in known if word in _ORDER]
    if not {"high", "max"} & set(graded):  # it names only what is unlike the rest
        known = [*(word for word in known if word in _WORDS_FOR_OFF), *_USUAL_LEVELS]
    return tuple(known)

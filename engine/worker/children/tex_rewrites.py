"""TeX that the typesetting library gets wrong, written so that it gets it right; text in, text out.

Each rewrite is for something that models write often. All are linear in the formula's length.
"""

import re

_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}")
_SCRIPT = re.compile(r"\s*[\^_]")
_NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|equation|eqnarray|multline)\}")
_TAG = re.compile(r"\\tag\*?\s*\{([^{}]*)\}")
_UNSEEN = re.compile(r"\\label\s*\{[^{}]*\}|\\nonumber(?![A-Za-z])|\\notag(?![A-Za-z])")
_LATE_LIMITS = re.compile(r"(?<=\})\s*\\limits(?![A-Za-z])|([_^]\s*[A-Za-z0-9])\s*\\limits(?![A-Za-z])")
_NAMED_OPERATOR = re.compile(r"\\(?:mathop|operatorname\*?)\s*\{\s*\\(?:mathrm|text|rm)\s*\{([^{}]*)\}\s*\}")
_SPACED_OPERATOR = re.compile(r"\\operatorname(\*?)\s*\{([^{}]*)\}")
_SPACES = re.compile(r"\\[,;:! ]|\\(?:thinspace|quad)(?![A-Za-z])|~")
_EXTREMAL = re.compile(r"\\arg(max|min)(?![A-Za-z])")


def rewrite(tex: str) -> str:
    """The same formula, as the library reads it."""
    tex = _UNSEEN.sub("", tex)
    tex = _TAG.sub(r"\\qquad\\text{(\1)}", tex)
    tex = _EXTREMAL.sub(r"\\operatorname*{arg\1}", tex)
    tex = _NAMED_OPERATOR.sub(r"\\operatorname*{\1}", tex)
    tex = _SPACED_OPERATOR.sub(_plain_operator, tex)
    tex = _LATE_LIMITS.sub(lambda found: found[1] or "", tex)
    tex = _NUMBERED.sub(r"\\\1{\2*}", tex)
    return grouped_environments(tex)


def grouped_environments(tex: str) -> str:
    """Braces around each environment that a superscript or subscript follows."""
    open_ones: list[tuple[str, int]] = []
    braces: list[tuple[int, str]] = []
    for found in _ENVIRONMENT.finditer(tex):
        if found[1] == "begin":
            open_ones.append((found[2], found.start()))
        elif open_ones and open_ones[-1][0] == found[2]:
            _, start = open_ones.pop()
            if _SCRIPT.match(tex, found.end()):
                braces += [(start, "{"), (found.end(), "}")]
    pieces, position = [], 0
    for place, brace in sorted(braces):
        pieces += [tex[position:place], brace]
        position = place
    return "".join([*pieces, tex[position:]])


def _plain_operator(found: re.Match[str]) -> str:
    """An operator's name in letters and spaces: the library takes no others."""
    name = _SPACES.sub(" ", found[2])
    return rf"\operatorname{found[1]}{{{name}}}"

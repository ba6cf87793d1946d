"""The process that typesets mathematics for the window: a TypesetRequest per line in, a Typeset per line out.

A formula that cannot be set is answered with the reason; the window then shows how it was written.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn
from xml.etree import ElementTree

import msgspec
from ziamath.config import config
from ziamath.zmath import Math

from engine.contract.typesetting import Typeset, TypesetRequest
from engine.worker.children.lines import answer_lines
from engine.worker.children.tex_rewrites import rewrite

MAX_TEX_LENGTH = 4_000  # characters
TIME_LIMIT_S = 1.5  # where the system can interrupt us; the window kills what takes longer still
MARGIN_PX = 1.0  # around the ink, for what antialiasing adds

config.svg2 = False  # Qt draws nothing of SVG 2's symbols


def answer(line: bytes) -> bytes:
    """Typeset what a line asks for."""
    reply = _reply(msgspec.json.decode(line, type=TypesetRequest)) if line else Typeset()
    return msgspec.json.encode(reply)


def typeset(tex: str, *, size_px: float, colour: str, display: bool) -> Typeset:
    """The drawing of a formula; raises ValueError with the reason, or whatever the library raises."""
    if len(tex) > MAX_TEX_LENGTH:
        raise ValueError(f"it has {len(tex)} characters, more than {MAX_TEX_LENGTH}")
    formula = Math.fromlatex(rewrite(tex), size=size_px, color=colour, inline=not display, margin=MARGIN_PX)
    _check_is_drawable(formula)
    box = formula.node.bbox
    if not box.xmax - box.xmin > 0:
        raise ValueError("there is nothing to see in it")
    return Typeset(
        svg=formula.svg(),
        width=box.xmax - box.xmin + 2 * MARGIN_PX,
        height=box.ymax - box.ymin + 2 * MARGIN_PX,
        baseline=MARGIN_PX - box.ymin,
    )


def _check_is_drawable(formula: Math) -> None:
    """Refuse what would be drawn as an unknown command's name or as an empty box."""
    element: ElementTree.Element
    for element in formula.mathml.iter():
        text = element.text or ""
        if any("url(" in value for value in element.attrib.values()):
            raise ValueError("a colour is not the address of something")
        if text.startswith("\\") and text[1:].strip():
            raise ValueError(f"{text} is not known")
        for character in text:
            if not character.isspace() and not formula.font.glyphindex(character):
                raise ValueError(f"the font has no {character!r}")


def _reply(request: TypesetRequest) -> Typeset:
    try:
        with _time_limit():
            drawn = typeset(
                request.tex, size_px=request.size_px, colour=request.colour, display=request.display
            )
    except MemoryError:
        return Typeset(id=request.id, error="it used too much memory")
    except Exception as error:  # noqa: BLE001  (the library says what is wrong by whatever type is at hand)
        return Typeset(id=request.id, error=str(error) or type(error).__name__)
    return msgspec.structs.replace(drawn, id=request.id)


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupt what is done inside when it takes too long."""
    if sys.platform == "win32":
        yield
    else:
        signal.signal(signal.SIGALRM, _raise_timeout)
        signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _raise_timeout(_signal: int, _frame: object) -> NoReturn:
    raise TimeoutError(f"it took more than {TIME_LIMIT_S:g} s")


if __name__ == "__main__":
    sys.exit(answer_lines(answer))

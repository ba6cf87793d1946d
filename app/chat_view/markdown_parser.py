"""The Markdown that answers are written in: CommonMark, GFM tables and strikethrough, tasks, footnotes, TeX.

Of HTML only some tags are read, see `html_tags`. Every inline token says where in its source it begins
(`meta["at"]`), so that what is selected on the screen can be copied as it was written. Knows nothing of how a
token looks.
"""

import re
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, html_block, reference, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from app.chat_view.html_tags import is_literal, literal_tokens, may_begin_block, read_tags

Environment = dict[str, Any]  # what earlier parts define for later ones: link targets, footnotes

DEEPEST = (
    40  # nested quotes and lists; markdown-it would drop what is deeper, so such a block is shown as text
)
LONGEST_INLINE = 8_000  # characters of one paragraph; more is shown without inline formatting
MOST_MARKS = 1500  # of one paragraph, that could begin or end a format
MOST_STEPS = 2_000_000  # characters looked at for what could begin a link: that many marks, that long a text
MOST_COLUMNS = 64  # of a table; one with more is shown as it was written
MOST_REFERENCES = 500  # of a message; what else looks like one is shown as it was written
LONGEST_FORMULA = 60  # lines
_WORDS = re.compile(r"[A-Za-z0-9 ]+")  # nothing that any rule looks for: most cells of tables
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")


def make_parser() -> MarkdownIt:
    """The parser of every answer; it keeps no state of its own."""
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": DEEPEST})
    parser.inline = _PlacingInline()
    parser.enable(["table", "strikethrough"])
    parser.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    parser.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    parser.use(gfm_autolink_plugin)
    parser.block.ruler.before(
        "fence",
        "bracket_formula",
        _bracket_formula_block,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )
    parser.inline.ruler.before("escape", "bracket_formula", _bracket_formula)
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", _reference)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.core.ruler.before("inline", "tasks", _mark_tasks)
    parser.core.ruler.after("inline", "html_blocks", _read_html_blocks)
    parser.inline.ruler2.disable("fragments_join")  # joined tokens would lose their places
    parser.core.ruler.disable("text_join")
    return parser


class _PlacingState(StateInline):
    """Notes where each token and each stretch of text begins."""

    def __init__(self, source: str, parser: MarkdownIt, env: Environment, tokens: list[Token]) -> None:
        super().__init__(source, parser, env, tokens)
        self._text_at = 0
        self._places: dict[int, int] = {}

    def append_pending(self, text: str) -> None:
        if not self._pending and not self._pending_buffer:
            self._text_at = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:
        token = super().pushPending()
        self._places[id(token)] = self._text_at
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        self._places[id(token)] = self.pos
        return token

    def write_places(self) -> None:
        for token in self.tokens:
            token.meta["at"] = self._places.get(id(token), 0)


class _PlacingInline(ParserInline):
    """The inline parser, with places in its tokens; refuses what would take too long."""

    is_html = False  # whether it reads what stands in a block of HTML

    def parse(self, src: str, md: MarkdownIt, env: Any, tokens: list[Token]) -> list[Token]:
        if (
            _WORDS.fullmatch(src)
            or len(src) > LONGEST_INLINE
            or sum(map(src.count, "*_~\\$`<")) > MOST_MARKS
            or len(src) * sum(map(src.count, "[<:@")) > MOST_STEPS
        ):
            tokens += literal_tokens(src)
            return tokens
        state = _PlacingState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        state.write_places()
        tokens[:] = read_tags(state.tokens, has_divisions=self.is_html)
        return tokens


def _make_html_inline() -> _PlacingInline:
    """The parser of what stands in a block of HTML: tags, entities and words."""
    parser = _PlacingInline()
    parser.is_html = True
    parser.ruler.enableOnly(["text", "newline", "entity", "html_inline"])
    parser.ruler2.enableOnly([])
    return parser


_HTML_INLINE = _make_html_inline()


def _table(state: StateBlock, first_line: int, end_line: int, silent: bool) -> bool:
    """A table, unless it has too many columns: reading thousands of cells takes long."""
    under = first_line + 1  # the line that says what is a column
    if under < end_line:
        columns = state.src[state.bMarks[under] : state.eMarks[under]].strip().strip("|")
        if columns.count("|") >= MOST_COLUMNS:
            return False
    return table(state, first_line, end_line, silent)


def _reference(state: StateBlock, first_line: int, end_line: int, silent: bool) -> bool:
    """Where a link of another place leads, unless there are too many: each takes 0.05 ms."""
    known = len(state.env.get("references", ())) + len(state.env.get("duplicate_refs", ()))
    return known < MOST_REFERENCES and reference(state, first_line, end_line, silent)


def _html_block(state: StateBlock, first_line: int, end_line: int, silent: bool) -> bool:
    """A block of HTML, where its first tag is one that is known."""
    start = state.bMarks[first_line] + state.tShift[first_line]
    if not may_begin_block(state.src[start : state.eMarks[first_line]]):
        return False
    return html_block(state, first_line, end_line, silent)


def _read_html_blocks(state: StateCore) -> None:
    """Give each block of HTML the inline tokens that it consists of."""
    for token in state.tokens:
        if token.type == "html_block":
            is_text = is_literal(token.content)
            token.children = (
                literal_tokens(token.content)
                if is_text
                else _HTML_INLINE.parse(token.content, state.md, state.env, [])
            )


def _mark_tasks(state: StateCore) -> None:
    """Take the box off the front of a task; its list item says whether it is done."""
    tokens = state.tokens
    for item, opening, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (item.type, opening.type, inline.type) == ("list_item_open", "paragraph_open", "inline"):
            box = _TASK.match(inline.content)
            if box:
                item.meta["is_done"] = box[1] != " "
                inline.content = inline.content[box.end() :]


def _bracket_formula(state: StateInline, silent: bool) -> bool:
    r"""An inline formula: \( … \), or \[ … \] in the middle of a paragraph."""
    opening = state.src[state.pos : state.pos + 2]
    if opening not in ("\\(", "\\["):
        return False
    closing = "\\)" if opening == "\\(" else "\\]"
    end = state.src.find(closing, state.pos + 2, state.posMax)
    tex = state.src[state.pos + 2 : end]
    if end < 0 or not tex.strip("\\ \n"):
        return False
    if not silent:
        token = state.push("math_inline" if opening == "\\(" else "math_inline_double", "math", 0)
        token.content, token.markup = tex, opening
    state.pos = end + 2
    return True


def _bracket_formula_block(state: StateBlock, first_line: int, end_line: int, silent: bool) -> bool:
    r"""A formula on lines of its own: from a line that begins with \[ to one that ends with \]."""
    if state.is_code_block(first_line):
        return False
    lines: list[str] = []
    for line in range(first_line, min(end_line, first_line + LONGEST_FORMULA)):
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
        if text.startswith("\\[") != (line == first_line) or not text:
            return False
        lines.append(text.removeprefix("\\[") if line == first_line else text)
        if text.endswith("\\]"):
            break
        if "\\]" in text:
            return False
    else:
        return False
    if silent:
        return True
    token = state.push("math_block", "math", 0)
    token.content = "\n".join(lines).removesuffix("\\]")
    token.markup = "\\["
    token.map = [first_line, line + 1]
    state.line = line + 1
    return True

"""Walks through an answer as it streams and says of every character what it belongs to.

Loses nothing: the texts of all pieces, put together, are the input. The work per character is constant,
however the input is cut: what is kept between two calls is shorter than the longest mark.
"""

from dataclasses import dataclass
from typing import Literal

from engine.chat.output_format import MAX_HEADER_LENGTH, ROUTED, OutputFormat, Region

PieceKind = Literal["text", "reasoning", "call", "mark"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the answer. A mark takes the blanks beside it along; a call comes as a whole."""

    kind: PieceKind
    text: str
    is_closed: bool = True  # of a call: false where the answer ended inside it
    or_text: bool = False  # of a call: it is text where it cannot be read


class Scanner:
    """Cuts one answer into pieces."""

    def __init__(self, output: OutputFormat, region: str) -> None:
        """`region` is the name of the one the answer begins in."""
        self._output = output
        self._region: Region = output.regions[region]
        self._text = ""  # not yet decided: shorter than a mark between two calls
        self._position = 0  # up to here `_text` has been dealt with
        self._held: list[str] = []  # of a call or a header that is not yet whole
        self._held_length = 0
        self._blanks: list[str] = []  # may belong to a mark that follows
        self._after_mark = self._region.kind == "reasoning"  # blanks here belong to the mark before
        self._pieces: list[Piece] = []

    @property
    def is_reasoning(self) -> bool:
        """Whether what comes next is reasoning."""
        return self._region.kind == "reasoning"

    def passes(self, text: str) -> bool:
        """Whether this text, were it fed, would come out as one piece of text and leave nothing undecided.

        True of most of an answer, and quicker than finding out by `feed`.
        """
        region = self._region
        return (
            region.kind == "text"
            and self._position == len(self._text)
            and not (region.otherwise or self._after_mark or any(self._blanks))
            and region.first_characters.isdisjoint(text)
            and not text[-1].isspace()
        )

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain now."""
        self._text = self._text[self._position :] + text
        self._position = 0
        while self._advance():
            pass
        return self._take_pieces()

    def finish(self) -> list[Piece]:
        """The rest, once the answer has ended."""
        if self._region.otherwise:
            self._region = self._output.regions[self._region.otherwise]
        self._take_content(self._text[self._position :])
        held = "".join(self._held)
        if self._region.kind == "call":
            self._add(Piece("call", held, is_closed=False, or_text=self._region.or_text))
        elif self._region.kind == "header":
            self._add(Piece(self._header_kind(held), held))
        else:
            self._flush_blanks()
        self._text, self._position = "", 0
        return self._take_pieces()

    def _advance(self) -> bool:
        """Deal with the next mark and what stands before it; false where more input is needed."""
        if self._region.otherwise:
            return self._advance_at_start()
        found = self._region.pattern.search(self._text, self._position)
        end = found.start() if found else len(self._text)
        if not found:
            end -= self._region.unfinished_length(self._text, self._position)
        if self._region.kind == "header":
            room = MAX_HEADER_LENGTH - self._held_length
            if end - self._position > room:
                self._give_up_header(self._position + room)
                return True
        self._take_content(self._text[self._position : end])
        self._position = end
        if found:
            self._position = found.end()
            self._pass_mark(found.group())
        return found is not None

    def _advance_at_start(self) -> bool:
        """The same in a region where marks count only before any other text."""
        rest = self._text[self._position :]
        word = rest.lstrip()
        if word != rest:
            self._blanks.append(rest[: len(rest) - len(word)])
            self._position += len(rest) - len(word)
        if not word:
            return False
        if found := self._region.pattern.match(word):
            self._position += found.end()
            self._pass_mark(found.group())
            return True
        if self._region.unfinished_length(word, 0) == len(word):
            return False
        self._region = self._output.regions[self._region.otherwise]
        return True

    def _take_content(self, text: str) -> None:
        if not text:
            return
        if self._region.kind in ("call", "header"):
            self._held.append(text)
            self._held_length += len(text)
            return
        if not self._region.trims and not self._after_mark:
            self._flush_blanks()
            self._add(Piece(self._content_kind(), text))
            return
        word = text.strip()
        if not word:
            self._blanks.append(text)
            return
        start = text.index(word)
        self._blanks.append(text[:start])
        self._flush_blanks()
        self._add(Piece(self._content_kind(), word))
        self._blanks = [text[start + len(word) :]]

    def _flush_blanks(self) -> None:
        """Blanks that no mark followed: they belong to the mark before them, or are content."""
        blanks, self._blanks = "".join(self._blanks), []
        if blanks:
            self._add(Piece("mark" if self._after_mark else self._content_kind(), blanks))
        self._after_mark = False

    def _content_kind(self) -> Literal["text", "reasoning"]:
        return "reasoning" if self._region.kind == "reasoning" else "text"

    def _pass_mark(self, mark: str) -> None:
        region, target = self._region, self._region.steps[mark]
        held = "".join(self._held)
        blanks = "".join(self._blanks)
        self._held, self._held_length, self._blanks = [], 0, []
        if region.kind == "header":
            if target == ROUTED:
                target = self._output.route(held)
                if self._output.regions[target].kind == "call":  # its reader finds the name in the header
                    self._held = [held + mark]
                    held = mark = ""
                else:
                    held, mark = "", held + mark
            self._add(Piece(self._header_kind(held), held))  # of a message that never began
        elif region.kind == "call":
            self._add(Piece("call", held, or_text=region.or_text))
        if mark in region.kept:
            self._held = [mark]
            mark = ""
        self._add(Piece("mark", blanks + mark))
        self._region = self._output.regions[target]
        self._after_mark = True

    def _header_kind(self, held: str) -> Literal["text", "mark"]:
        """What stands where a header should be: one, however malformed, or text."""
        return "mark" if any(mark in held for mark in self._output.inner_marks) else "text"

    def _give_up_header(self, end: int) -> None:
        """Too long for a header: text, then."""
        held = "".join(self._held) + self._text[self._position : end]
        self._held, self._held_length, self._position = [], 0, end
        self._region = self._output.regions["text"]
        self._after_mark = False
        self._take_content(held)

    def _add(self, piece: Piece) -> None:
        if piece.text or piece.kind == "call":
            self._pieces.append(piece)

    def _take_pieces(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

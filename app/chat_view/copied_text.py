"""What a selected stretch of a message is on the clipboard: as it was written, or as it is read."""

from app.chat_view.message_layout import MessageLayout
from app.chat_view.text_column import TextColumn
from app.chat_view.text_points import InnerPoint


def source_of(layout: MessageLayout, first: InnerPoint, last: InnerPoint) -> str:
    """The stretch as it was written. A part of one block comes without the block's own marks."""
    return "\n\n".join(
        piece
        for part, text, _ in layout.parts()
        if first.part <= part <= last.part and (piece := _source_in(text, part, first, last))
    )


def plain_text_of(layout: MessageLayout, first: InnerPoint, last: InnerPoint) -> str:
    """The stretch as it is read, without marks."""
    return "\n\n".join(
        piece
        for part, text, _ in layout.parts()
        if first.part <= part <= last.part and (piece := _plain_in(text, part, first, last))
    )


def _bounds(text: TextColumn, part: int, first: InnerPoint, last: InnerPoint) -> tuple[int, int]:
    """The first and the last block of a part that the stretch touches."""
    start = first.block if first.part == part else 0
    end = last.block if last.part == part else len(text.column) - 1
    return start, min(end, len(text.column) - 1)


def _source_in(text: TextColumn, part: int, first: InnerPoint, last: InnerPoint) -> str:
    if not len(text.column):
        return ""
    start_block, end_block = _bounds(text, part, first, last)
    start_position = first.position if first.part == part else 0
    end_layout = text.column.layout(end_block)
    is_cut = last.part == part and last.block == end_block and last.position < len(end_layout.text)
    if start_block == end_block and (last.block == end_block or start_position):
        end_position = (
            min(last.position, len(end_layout.text)) if last.block == end_block else len(end_layout.text)
        )
        start = end_layout.place(start_position, is_end=False)
        end = end_layout.place(end_position, is_end=True)
        if start is None or end is None:
            return end_layout.text[start_position:end_position]
        return text.source[start:end]
    start = text.column.layout(start_block).place(start_position, is_end=False) if start_position else None
    end = end_layout.place(last.position, is_end=True) if is_cut else None
    first_place = text.column.block(start_block).start if start is None else start
    last_place = text.column.block(end_block).end if end is None else end
    return text.source[first_place:last_place].strip("\n")


def _plain_in(text: TextColumn, part: int, first: InnerPoint, last: InnerPoint) -> str:
    start_block, end_block = _bounds(text, part, first, last)
    pieces: list[str] = []
    for number in range(start_block, end_block + 1):
        block, shown = text.column.block(number), text.column.layout(number).text
        end = last.position if (part, number) == last[:2] else len(shown)
        start = first.position if (part, number) == first[:2] else 0
        marker = "".join(f"{marker.text} " for marker in block.markers) if start == 0 else ""
        gap = "" if not pieces else "\n" if block.is_tight else "\n\n"
        pieces.append(gap + marker + shown[start:end].replace("\u2028", "\n"))
    return "".join(pieces)

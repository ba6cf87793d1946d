"""The links of a message for whoever has no mouse: from one to the next, and opening the marked one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.chat_view.announcements import tell_focus
from app.chat_view.inline_text import Link
from app.chat_view.message_layout import MessageLayout
from app.chat_view.text_points import InnerPoint, TextPoint

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link, the characters that lead there, and where they are in their message."""

    link: Link
    text: str
    start: InnerPoint
    end: InnerPoint


def find_links(layout: MessageLayout) -> list[FoundLink]:
    """Every link of a message that may be opened, in the order in which they are read."""
    found = []
    for part, text, _ in layout.parts():
        for number in range(len(text.column)):
            block = text.column.layout(number)
            for link in block.links:
                start, end = (InnerPoint(part, number, at) for at in (link.start, link.end))
                found.append(FoundLink(link, block.text[link.start : link.end], start, end))
    return found


class LinkKeys:
    """The link that is marked is what is selected, so that it is seen and can be copied."""

    def __init__(self, view: "ChatView") -> None:
        self._view = view

    @property
    def current(self) -> tuple[int, FoundLink] | None:
        """The number of the marked link among those of its message, and the link."""
        view, row = self._view, self._view.current_row
        bounds = view.selection.bounds
        if row is None or bounds is None or row not in view.column.laid_out():
            return None
        for number, found in enumerate(find_links(view.column.layout(row))):
            if bounds == (TextPoint(row, found.start), TextPoint(row, found.end)):
                return number, found
        return None

    def step(self, by: int) -> bool:
        """Mark the next link of the message that the keyboard is at, or the one before; False without any."""
        view = self._view
        row = view.messages.rowCount() - 1 if view.current_row is None else view.current_row
        if row < 0:
            return False
        links = find_links(view.column.read_all(row))
        if not links:
            return False
        before = self.current
        number = (0 if by > 0 else -1) if before is None else (before[0] + by) % len(links)
        found = links[number]
        view.current_row = row
        view.selection.begin(TextPoint(row, found.start))
        view.selection.extend(TextPoint(row, found.end))
        caret = view.column.layout(row).caret(found.start)
        view.keeper.show_row(row, offset=caret.top(), height=caret.height())
        tell_focus(view, row)
        view.refresh()
        return True

    def follow(self) -> bool:
        """Ask for the marked link to be opened, as a click on it does; False where none is marked."""
        current = self.current
        if current is None:
            return False
        self._view.follow_link(current[1].link, current[1].text)
        return True

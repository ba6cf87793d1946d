"""Finding words in the conversation: the bar, the matches, and going from one to the next."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.chat_view.find_bar import FindBar
from app.chat_view.finder import Finder
from app.theme.theme import Theme

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView

MARGIN = 16  # between the bar and the viewport's right edge


class FindControl(QObject):
    """Joins the bar to the finder and to the view."""

    def __init__(self, view: "ChatView", theme: Theme) -> None:
        super().__init__(view)
        self._view = view
        self.finder = Finder(view.messages)
        self.bar = FindBar(theme, view.viewport())
        self.bar.words_changed.connect(self.find)
        self.bar.step_requested.connect(self.step)
        self.bar.closed.connect(self.close)

    def open(self) -> None:
        """Ask what to look for."""
        self.place()
        self.bar.show()
        self.bar.raise_()
        self.bar.field.setFocus()
        self.bar.field.selectAll()
        self.find(self.bar.field.text())

    def close(self) -> None:
        """Mark nothing any more, and give the focus back."""
        if not self.bar.isHidden():
            self.bar.hide()
            self._view.setFocus()
        self.finder.find("", 0)
        self._view.viewport().update()

    def find(self, words: str) -> None:
        """Look for other words, from what is in sight on."""
        self.finder.find(words, self._view.rows_in_sight().start)
        self._show_match()

    def step(self, by: int) -> None:
        """Go to the next match, or to the one before."""
        self.finder.step(by)
        self._show_match()

    def look_again(self) -> None:
        """The messages have changed."""
        if self.finder.words:
            self.finder.find_again(self._view.rows_in_sight().start)
            self.bar.show_count(self.finder.number, self.finder.count)

    def place(self) -> None:
        """Put the bar into its corner."""
        width = self._view.viewport().width()
        self.bar.fit(width - 2 * MARGIN)
        self.bar.move(max(width - self.bar.width() - MARGIN, 4), 8)

    def _show_match(self) -> None:
        view, match = self._view, self.finder.current
        self.bar.show_count(self.finder.number, self.finder.count)
        if match is not None:
            layout = view.column.read_all(match.row)
            caret = layout.caret(layout.point_of_source(match.start, match.end))
            view.keeper.show_row(match.row, offset=caret.top(), height=caret.height())
        view.viewport().update()

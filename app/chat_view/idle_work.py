"""What can wait until nothing else is to do: long messages' ends, colours, the next screens."""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.chat_view.code_highlighter import COMMON, preload

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView

PAUSE_MS = 12  # between two steps, for everything else
AFTER_SCROLLING_MS = 2
STEP_S = 0.0005  # after which a step begins nothing more
QUIET_MS = 150
SCREENS_AHEAD = 1.5  # that are laid out before they are seen, in both directions


class IdleWork(QObject):
    """One small step at a time; stands still when all is done."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self._languages = list(COMMON)
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._begin)
        self._has_scrolled = False

    @property
    def is_busy(self) -> bool:
        """Whether there is something left that will be done without being asked for."""
        return self._timer.isActive()

    def start(self) -> None:
        """There may be something to do."""
        if not self._timer.isActive() and self._view.isVisible():
            self._timer.start(PAUSE_MS)

    def start_after_scrolling(self) -> None:
        """There may be something to do, but never in the pass of the event loop that scrolls and paints."""
        if self._view.isVisible():
            self._has_scrolled = True
            self._timer.start(AFTER_SCROLLING_MS)

    def start_later(self) -> None:
        """There may be something to do, once nothing has happened for a while."""
        if self._view.isVisible():
            self._timer.start(QUIET_MS)

    def stop(self) -> None:
        """Leave the rest until the next `start`."""
        self._timer.stop()

    def _begin(self) -> None:
        if self._has_scrolled:  # this may still be the pass that did so
            self._has_scrolled = False
            self._timer.start(AFTER_SCROLLING_MS)
        else:
            self._step()

    def _step(self) -> None:
        ahead = SCREENS_AHEAD * self._view.viewport().height()
        if (
            self._read()
            or self._colour(0)
            or self._lay_out_ahead(ahead)
            or self._colour(ahead)
            or self._preload()
        ):
            self._has_scrolled = False  # it was this step that moved something
            self._timer.start(PAUSE_MS)

    def _read(self) -> bool:
        """Read on in a message of which a part can be seen."""
        view = self._view
        if view.column.unfinished_row(view.keeper.top, view.keeper.bottom) is None:
            return False
        view.refresh()
        return True

    def _colour(self, ahead: float) -> bool:
        """Colour code that can be seen, or soon will be: so many pixels farther up and down."""
        view = self._view
        laid_out = view.column.laid_out()
        for row in view.column.rows_between(view.keeper.top - ahead, view.keeper.bottom + ahead):
            if row not in laid_out:
                continue
            for _, text, corner in laid_out[row].parts():
                top = -view.keeper.place_of(row) - corner.y()
                block = text.column.unfinished(top - ahead, top + view.viewport().height() + ahead)
                if block is not None:
                    block.advance()
                    if not ahead:
                        view.viewport().update()
                    return True
        return False

    def _lay_out_ahead(self, ahead: float) -> bool:
        """Lay out one message close to those in sight."""
        view = self._view
        row = view.column.unfinished_row(view.keeper.bottom, view.keeper.bottom + ahead)
        if row is None:
            row = view.column.unfinished_row(max(view.keeper.top - ahead, 0), view.keeper.top)
        if row is None or view.messages.message(row).state == "streaming":
            return False
        view.keeper.lay_out(row, time.perf_counter() + STEP_S)
        return True

    def _preload(self) -> bool:
        """Have the next common language ready for code."""
        if not self._languages or not view_has_answers(self._view):
            return False
        preload(self._languages.pop(0))
        return True


def view_has_answers(view: "ChatView") -> bool:
    """Whether there may soon be code to colour."""
    return view.messages.rowCount() > 1

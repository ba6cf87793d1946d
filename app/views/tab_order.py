"""Where Tab leads: through the parts of a window as they are read, whenever they were made.

Qt's own order is that of making, and falls apart where parts are made late or hand their focus on.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


@runtime_checkable
class InOrder(Protocol):
    """A page that knows the order of its parts."""

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        ...


def move_focus(parts: Iterable[QWidget], *, forward: bool) -> bool:
    """Move the focus to the next stop in these parts, or to the one before; False where there is none."""
    stops = [stop for part in parts for stop in _stops(part)]
    if not stops:
        return False
    focus = QApplication.focusWidget()
    at = stops.index(focus) if focus in stops else -1 if forward else 0
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    stops[(at + (1 if forward else -1)) % len(stops)].setFocus(reason)
    return True


def _stops(part: QWidget) -> Iterator[QWidget]:
    for widget in (part, *part.findChildren(QWidget)):
        can_be_used = widget.isVisible() and widget.isEnabled()
        is_inside = widget.window() is part.window()  # the list of a box is a window of its own
        takes_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
        if can_be_used and is_inside and takes_tab:
            yield widget

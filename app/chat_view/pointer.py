"""What the pointer does: select, follow links, fold reasoning, copy code, move wide things sideways."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from app.chat_view.answer_notes import details_of
from app.chat_view.block_layout import BlockLayout
from app.chat_view.inline_text import Link
from app.chat_view.sideways import Sideways

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView

CLICK_DISTANCE = 4  # pixels that a click may move


@dataclass(frozen=True, slots=True)
class Spot:
    """What is at a point: at most one of these."""

    cursor: Qt.CursorShape = Qt.CursorShape.ArrowCursor
    link: Link | None = None
    link_text: str = ""
    code: BlockLayout | None = None
    reasoning_row: int | None = None
    sideways: Sideways | None = None


class Pointer:
    """Takes the view's mouse events."""

    def __init__(self, view: "ChatView") -> None:
        self._view = view
        self._pressed_at: QPointF | None = None
        self._double_clicked_at: QPointF | None = None
        self._dragged: tuple[Sideways, float, float] | None = None  # a bar, where it was, the press

    def press(self, event: QMouseEvent) -> None:
        """Begin or extend a selection."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        view, place = self._view, event.position()
        sideways = self.spot_at(place).sideways
        if sideways is not None:
            self._dragged = (sideways, sideways.offset, place.x())
            return
        again = self._pressed_again(place)
        point = view.text_point_at(place)
        self._pressed_at = place
        if point is None:
            view.selection.clear()
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not view.selection.is_empty:
            view.selection.extend(point)
        elif again:
            view.selection.select_block(point)
        else:
            view.selection.begin(point)
        view.viewport().update()

    def double_click(self, event: QMouseEvent) -> None:
        """Select a word."""
        point = self._view.text_point_at(event.position())
        if point is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = event.position()
            self._double_clicked_at = event.position()
            self._view.selection.begin_with_word(point)
            self._view.viewport().update()

    def move(self, event: QMouseEvent) -> None:
        """Extend the selection, or show what is under the pointer."""
        view = self._view
        if self._dragged is not None:
            sideways, start, x = self._dragged
            if sideways.drag(start, event.position().x() - x):
                view.viewport().update()
            return
        if self._pressed_at is not None:
            point = view.text_point_at(event.position())
            if point is not None:
                view.selection.extend(point)
                view.viewport().update()
            return
        spot = self.spot_at(event.position())
        found = view.place_in_message(event.position())
        view.hover(found[0] if found is not None else None)
        view.viewport().setCursor(spot.cursor)
        view.viewport().setToolTip(self._hint(spot, event.position()))

    def release(self, event: QMouseEvent) -> None:
        """End the selection; a press that did not move was a click."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = None
        if event.button() != Qt.MouseButton.LeftButton or self._pressed_at is None:
            return
        moved = (event.position() - self._pressed_at).manhattanLength()
        self._pressed_at = None
        if moved > CLICK_DISTANCE or not self._view.selection.is_empty:
            return
        spot = self.spot_at(event.position())
        if spot.link is not None:
            self._view.follow_link(spot.link, spot.link_text)
        elif spot.code is not None:
            self._view.copying.copy_code(spot.code)
        elif spot.reasoning_row is not None:
            self._view.toggle_reasoning(spot.reasoning_row)

    def wheel(self, event: QWheelEvent) -> bool:
        """Move what is too wide sideways; False where the wheel means the conversation."""
        delta = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
        sideways = delta.x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not sideways:
            sideways = delta.y()
        if abs(sideways) <= abs(delta.y()) and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return False
        place = self._view.place_in_message(event.position())
        found = self._view.column.layout(place[0]).block_at(place[1]) if place else None
        if found is not None and found[2].scroll_sideways(-sideways):
            self._view.viewport().update()
        return True

    def spot_at(self, place: QPointF) -> Spot:
        """What is at a point of the viewport."""
        found = self._view.place_in_message(place)
        if found is None:
            return Spot()
        row, inner = found
        layout = self._view.column.layout(row)
        hand = Qt.CursorShape.PointingHandCursor
        if layout.reasoning_rect.contains(inner):
            return Spot(hand, reasoning_row=row)
        block = layout.block_at(inner)
        if block is None or not layout.is_text_at(inner):
            return Spot()
        at = block[3]
        if block[2].is_bar_at(at.x(), at.y()):
            return Spot(sideways=block[2].sideways)
        if block[2].is_copy_button_at(at.x(), at.y()):
            return Spot(hand, code=block[2])
        link = block[2].link_at(at.x(), at.y())
        if link is not None:
            return Spot(hand, link=link, link_text=block[2].text[link.start : link.end])
        return Spot(Qt.CursorShape.IBeamCursor)

    def _hint(self, spot: Spot, place: QPointF) -> str:
        """Where a link leads, or what the line under an answer has no room for."""
        if spot.link is not None:
            return spot.link.target
        found = self._view.place_in_message(place)
        if found is None:
            return ""
        layout = self._view.column.layout(found[0])
        return details_of(layout.message) if layout.actions_rect.contains(found[1]) else ""

    def _pressed_again(self, place: QPointF) -> bool:
        """Whether this is the third press of a triple click."""
        before, self._double_clicked_at = self._double_clicked_at, None
        return before is not None and (place - before).manhattanLength() <= CLICK_DISTANCE

"""What can be done with a message, as a menu."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from app.translation import tr

if TYPE_CHECKING:
    from app.chat_view.chat_view import ChatView


def popup_menu(view: "ChatView", row: int, place: QPoint) -> None:
    """Show the menu of a message at a point of the viewport."""
    menu = make_menu(view, row)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(view.viewport().mapToGlobal(place))


def make_menu(view: "ChatView", row: int) -> QMenu:
    """The menu of one message; the caller shows it and throws it away."""
    message = view.messages.message(row)
    menu = QMenu(view)
    copy = menu.addAction(
        tr("Copy"), QKeySequence(QKeySequence.StandardKey.Copy), view.copying.copy_selection
    )
    plain = menu.addAction(tr("Copy as plain text"), lambda: view.copying.copy_selection(is_plain=True))
    for action in (copy, plain):
        action.setVisible(not view.selection.is_empty)
    menu.addAction(tr("Copy message"), lambda: view.copying.copy_message(row))
    menu.addAction(tr("Open as text"), QKeySequence("F7"), lambda: view.open_reader(row))
    layout = view.column.layout(row)
    if not layout.reasoning_rect.isEmpty():
        words = tr("Hide reasoning") if layout.is_reasoning_open else tr("Show reasoning")
        menu.addAction(words, lambda: view.toggle_reasoning(row))
    if message.stats.expert_use or (view.offers_experts and message.role == "assistant"):
        menu.addAction(tr("Experts used…"), lambda: view.experts_requested.emit(message.id))
    if message.state != "streaming":
        menu.addSeparator()
        if message.role == "user":
            menu.addAction(tr("Edit"), lambda: view.edit_requested.emit(message.id))
        else:
            menu.addAction(tr("Regenerate"), lambda: view.regenerate_requested.emit(message.id))
            _add_models(menu, view, message.id)
        menu.addAction(tr("Delete"), lambda: view.delete_requested.emit(message.id))
    return menu


def _add_models(menu: QMenu, view: "ChatView", message_id: str) -> None:
    """Every model that could answer again, those in memory first."""
    models = [facts for facts in view.models() if not facts.problem]
    if not models:
        return
    others = QMenu(tr("Answer again with"), menu)
    for facts in models:
        name = facts.name.replace("&", "&&")
        words = f"{name}  {facts.quantization}" if facts.quantization else name
        others.addAction(words, partial(view.other_model_requested.emit, message_id, facts.model))
    menu.addMenu(others)

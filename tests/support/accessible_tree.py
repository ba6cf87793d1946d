"""The window as a screen reader meets it: Qt's tree of accessible things, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAbstractScrollArea, QComboBox, QWidget

Role = QAccessible.Role
CONTROLS = {
    Role.Button, Role.ButtonMenu, Role.ButtonDropDown, Role.CheckBox, Role.RadioButton, Role.ComboBox,
    Role.EditableText, Role.SpinBox, Role.Slider, Role.List, Role.ListItem, Role.Tree, Role.Table,
    Role.PageTab, Role.PageTabList, Role.Cell,
    Role.HotkeyField, Role.Link, Role.MenuItem, Role.PopupMenu, Role.Dialog, Role.Window,
}  # fmt: skip
PLACES = {Role.ListItem, Role.Cell}  # within a control: several may say the same, and a cell nothing


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of the tree, as it was when the tree was walked."""

    role: QAccessible.Role
    name: str
    parent: int  # number of the thing that it is in; -1 for the first
    takes_focus: bool
    scrolls: bool  # takes the focus so that keys can scroll it
    path: str  # the classes from the root on, to be found by

    @property
    def is_control(self) -> bool:
        """Whether it is there to be used."""
        return self.role in CONTROLS or (self.takes_focus and self.role != Role.Cell)

    def __str__(self) -> str:
        return f"{self.role.name} “{self.name}” in {self.path}"


def walk(root: QWidget) -> list[Thing]:
    """Everything that can be seen below a widget, the widget first."""
    things: list[Thing] = []
    _walk(QAccessible.queryAccessibleInterface(root), -1, "", things)
    return things


def _walk(interface: QAccessibleInterface, parent: int, path: str, things: list[Thing]) -> None:
    state, widget = interface.state(), interface.object()
    if state.invisible:
        return
    path = f"{path}/{type(widget).__name__ if widget is not None else interface.role().name}"
    name = interface.text(QAccessible.Text.Name)
    if isinstance(widget, QComboBox):  # by its label on Linux, by its own name elsewhere
        name = widget.accessibleName()
    scrolls = isinstance(widget, QAbstractScrollArea)
    hands_focus_on = isinstance(widget, QWidget) and widget.focusProxy() is not None
    focusable = bool(state.focusable) and not hands_focus_on
    things.append(Thing(interface.role(), name.strip(), parent, focusable, scrolls, path))
    at = len(things) - 1
    for number in range(interface.childCount()):
        child = interface.child(number)
        if child is not None:
            _walk(child, at, path, things)


def faults(things: list[Thing]) -> Iterator[str]:
    """What nobody could use who cannot see it: no name, no role, two controls side by side with one name."""
    for thing in things:
        if thing.is_control and not thing.name:
            yield f"no name: {thing}"
        if thing.takes_focus and thing.role not in CONTROLS | PLACES and not thing.scrolls:
            yield f"no role: {thing}"
    named = Counter(
        (thing.parent, thing.role, thing.name)
        for thing in things
        if thing.takes_focus and thing.role not in PLACES
    )
    for (parent, role, name), count in named.items():
        if count > 1:
            yield f"{count} times: {role.name} “{name}” in {things[parent]}"


def names(things: list[Thing], role: QAccessible.Role) -> list[str]:
    """The names of everything with a role, in order."""
    return [thing.name for thing in things if thing.role == role]

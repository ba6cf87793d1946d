"""The window's commands as Qt actions: one for each, which menus, buttons and keys share."""

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.shortcuts import COMMANDS, CommandId, Shortcuts
from app.translation import tr


class WindowCommands:
    """Actions that follow the shortcuts; whoever can do a thing connects to `triggered` of its action."""

    def __init__(self, shortcuts: Shortcuts) -> None:
        self.shortcuts = shortcuts
        self._actions = {command_id: QAction(tr(command.text)) for command_id, command in COMMANDS.items()}
        for command_id, action in self._actions.items():
            action.setObjectName(command_id)
            action.setShortcutVisibleInContextMenu(True)
        shortcuts.changed.connect(self._follow)
        self._follow()

    def __getitem__(self, command_id: CommandId) -> QAction:
        return self._actions[command_id]

    def add_to(self, window: QWidget) -> None:
        """Let the keys work wherever the focus is in this window."""
        window.addActions(list(self._actions.values()))

    def make_menu(self, parent: QWidget, looks: QMenu) -> QMenu:
        """Every command by its group, and the menu of themes among what is seen."""
        menu = QMenu(parent)
        group = ""
        for command_id, command in COMMANDS.items():
            if group and command.group != group:
                menu.addSeparator()
            if command_id == "larger_text":
                menu.addMenu(looks)
            group = command.group
            menu.addAction(self._actions[command_id])
        return menu

    def _follow(self) -> None:
        for command_id, action in self._actions.items():
            keys = self.shortcuts.keys(command_id)
            action.setShortcuts([QKeySequence.fromString(text) for text in keys])

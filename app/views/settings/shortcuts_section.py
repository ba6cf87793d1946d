"""Keyboard shortcuts: every command with its keys, which can be others. A conflict is said."""

from PySide6.QtWidgets import QToolButton

from app.shortcuts import COMMANDS, GROUPS, CommandId, Shortcuts
from app.theme.theme import Theme
from app.translation import tr
from app.views.settings import keys_field
from app.views.settings.keys_field import KeysField
from app.views.settings.section import Section


class ShortcutsSection(Section):
    """A field for each command; Backspace leaves the command without keys."""

    def __init__(self, shortcuts: Shortcuts, theme: Theme) -> None:
        super().__init__(tr("Shortcuts"), theme)
        self._shortcuts = shortcuts
        keys_field.install()
        self.fields: dict[CommandId, KeysField] = {}
        self.add_text(tr("Click into a field and press the keys you want. Backspace removes them."))
        self.said = self.add_text("")
        self.said.setObjectName("refusal")
        self.said.hide()
        group = ""
        for command_id, command in COMMANDS.items():
            if command.group != group:
                group = command.group
                self.add_heading(tr(GROUPS[command.group]))
            field = KeysField(self)
            field.setMinimumWidth(theme.scaled(150))
            field.keys_pressed.connect(lambda keys, command_id=command_id: self._bind(command_id, keys))
            reset = QToolButton(self)
            reset.setIcon(theme.icons.icon("reset", theme.tokens.secondary))
            reset.setToolTip(tr("Default keys"))
            reset.setAccessibleName(tr("Default keys of “{command}”", command=tr(command.text)))
            reset.clicked.connect(lambda _=False, command_id=command_id: self._reset(command_id))
            self.fields[command_id] = field
            self.add_row(tr(command.text).rstrip("…"), "", field, reset)
        everything = self.button(tr("All default keys"))
        everything.clicked.connect(shortcuts.reset_all)
        self.add(everything)
        shortcuts.changed.connect(self._show)
        self._show()

    def _bind(self, command_id: CommandId, keys: str) -> None:
        refusal = self._shortcuts.refusal(command_id, keys) if keys else ""
        self.said.setText(refusal)
        self.said.setVisible(bool(refusal))
        if not refusal:
            self._shortcuts.bind(command_id, keys)
        self._show()

    def _reset(self, command_id: CommandId) -> None:
        self.said.hide()
        self._shortcuts.reset(command_id)

    def _show(self) -> None:
        for command_id, field in self.fields.items():
            field.show_keys(self._shortcuts.keys(command_id))

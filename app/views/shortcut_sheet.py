"""The sheet of keyboard shortcuts: every command and its keys, to be read and closed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shortcuts import COMMANDS, GROUPS, Group, Shortcuts, native_keys
from app.theme.theme import Theme
from app.translation import mark, tr

FIXED = (  # what fields understand by themselves
    (mark("Send the message"), "Return"),
    (mark("Start a new line"), "Shift+Return"),
)


class ShortcutSheet(QDialog):
    """Two columns of groups."""

    change_requested = Signal()

    def __init__(self, shortcuts: Shortcuts, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self._theme = theme
        self._shortcuts = shortcuts
        columns = QHBoxLayout()
        columns.setSpacing(theme.scaled(40))
        for groups in (("Chat", "Model"), ("View", "Retort")):
            column = QVBoxLayout()
            column.setSpacing(theme.scaled(18))
            for group in groups:
                column.addLayout(self._group(group))
            column.addStretch()
            columns.addLayout(column)
        change = QPushButton(tr("Change…"), self)
        change.setProperty("shape", "raised")
        change.clicked.connect(self._change)
        close = QPushButton(tr("Close"), self)
        close.setProperty("shape", "raised")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        below = QHBoxLayout()
        below.addWidget(change)
        below.addStretch()
        below.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(20)
        layout.addLayout(columns)
        layout.addLayout(below)

    def _group(self, group: Group) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(self._theme.scaled(6))
        grid.setHorizontalSpacing(24)
        heading = QLabel(tr(GROUPS[group]), self)
        heading.setTextFormat(Qt.TextFormat.PlainText)
        heading.setFont(self._theme.fonts.heading)
        heading.setProperty("tone", "secondary")
        grid.addWidget(heading, 0, 0)
        rows = [
            (tr(command.text).rstrip("…"), [native_keys(keys) for keys in self._shortcuts.keys(command.id)])
            for command in COMMANDS.values()
            if command.group == group
        ]
        if group == "Chat":
            rows += [(tr(text), [native_keys(keys)]) for text, keys in FIXED]
        for text, keys in rows:
            at = grid.rowCount()
            said = QLabel(text, self)
            said.setTextFormat(Qt.TextFormat.PlainText)
            shown = QLabel("   ".join(keys) or "–", self)
            shown.setTextFormat(Qt.TextFormat.PlainText)
            shown.setProperty("tone", "secondary")
            shown.setAccessibleName(f"{text}: {shown.text()}")
            grid.addWidget(said, at, 0)
            grid.addWidget(shown, at, 1, Qt.AlignmentFlag.AlignRight)
        return grid

    def _change(self) -> None:
        self.accept()
        self.change_requested.emit()

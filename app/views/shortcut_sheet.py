"""The sheet of keyboard shortcuts: every command and its keys, to be read and closed."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.shortcuts import COMMANDS, GROUPS, Group, Shortcuts, native_keys
from app.theme.theme import Theme
from app.translation import mark, tr

FIXED = (  # what fields understand by themselves
    (mark("Send the message"), "Return"),
    (mark("Start a new line"), "Shift+Return"),
)
IN_CONVERSATION = (  # and what the conversation understands while it has the focus
    (mark("From message to message"), "Up", "Down"),
    (mark("From link to link of a message"), "Left", "Right"),
    (mark("What can be done with it, or open the link"), "Return"),
    (mark("Show or hide its reasoning"), "Space"),
    (mark("Open it as text"), "F7"),
)


class ShortcutSheet(QDialog):
    """Two columns of groups, or one below the other where the window is too narrow for both."""

    change_requested = Signal()

    def __init__(self, shortcuts: Shortcuts, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self._theme = theme
        self._shortcuts = shortcuts
        content = QWidget(self)
        columns = QHBoxLayout(content)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(theme.scaled(40))
        for groups in (("Chat", "Model"), ("View", "Retort")):
            column = QVBoxLayout()
            column.setSpacing(theme.scaled(18))
            for group in groups:
                column.addLayout(self._group(group))
            if "Retort" in groups:
                rows = [(tr(text), [native_keys(key) for key in keys]) for text, *keys in IN_CONVERSATION]
                column.addLayout(self._grid(tr("In the conversation"), rows))
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
        layout.addWidget(self._scrolled(content, columns))
        layout.addLayout(below)

    def _scrolled(self, content: QWidget, columns: QBoxLayout) -> QScrollArea:
        """As much of the groups as the window has room for; the rest is scrolled to."""
        parent = self.parentWidget()
        room = self.screen().availableSize() if parent is None else parent.window().size()
        if content.sizeHint().width() > room.width():
            columns.setDirection(QBoxLayout.Direction.TopToBottom)
            columns.setSpacing(self._theme.scaled(18))
        area = QScrollArea(self)
        area.setAccessibleName(tr("Keyboard shortcuts"))
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidgetResizable(True)
        area.setWidget(content)
        hint = content.sizeHint()
        area.setMinimumWidth(hint.width() + area.verticalScrollBar().sizeHint().width())
        area.setMinimumHeight(min(hint.height(), int(room.height() * 0.8)))
        return area

    def _group(self, group: Group) -> QGridLayout:
        rows = [
            (tr(command.text).rstrip("…"), [native_keys(keys) for keys in self._shortcuts.keys(command.id)])
            for command in COMMANDS.values()
            if command.group == group
        ]
        if group == "Chat":
            rows += [(tr(text), [native_keys(keys)]) for text, keys in FIXED]
        return self._grid(tr(GROUPS[group]), rows)

    def _grid(self, title: str, rows: Sequence[tuple[str, Sequence[str]]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(self._theme.scaled(6))
        grid.setHorizontalSpacing(24)
        heading = QLabel(title, self)
        heading.setTextFormat(Qt.TextFormat.PlainText)
        heading.setFont(self._theme.fonts.heading)
        heading.setProperty("tone", "secondary")
        grid.addWidget(heading, 0, 0)
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

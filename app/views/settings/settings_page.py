"""The settings: a list of sections and the one that is shown. Sections are made when they are shown first."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme.theme import Theme
from app.translation import mark, tr
from app.views.settings.section import Section

LIST_WIDTH = 200
NARROW = 720  # below this the list of sections becomes a box above
SECTIONS: dict[str, tuple[str, str]] = {  # id: name, icon
    "general": (mark("General"), "settings"),
    "appearance": (mark("Appearance"), "appearance"),
    "models": (mark("Models"), "model"),
    "engine": (mark("Engine"), "engine"),
    "components": (mark("Components"), "download"),
    "shortcuts": (mark("Shortcuts"), "keyboard"),
    "privacy": (mark("Privacy"), "privacy"),
    "network": (mark("Network"), "network"),
    "storage": (mark("Storage"), "storage"),
    "log": (mark("Log"), "document"),
    "about": (mark("About"), "about"),
}


class SettingsPage(QWidget):
    """Shows one section at a time."""

    closed = Signal()

    def __init__(
        self, makers: Mapping[str, Callable[[], Section]], theme: Theme, parent: QWidget | None = None
    ) -> None:
        """`makers` has one function per id of `SECTIONS`."""
        super().__init__(parent)
        self._makers = makers
        self._theme = theme
        self._made: dict[str, Section] = {}
        self._list = QListWidget(self)
        self._list.setObjectName("sections")
        self._list.setAccessibleName(tr("Sections"))
        theme.give_icon_size(self._list, 18)
        self._box = QComboBox(self)
        self._box.setAccessibleName(tr("Sections"))
        for section_id, (name, _icon) in SECTIONS.items():
            item = QListWidgetItem(tr(name), self._list)
            item.setData(Qt.ItemDataRole.UserRole, section_id)
            self._box.addItem(tr(name), section_id)
        self._stack = QStackedWidget(self)
        self._lay_out()
        self._list.currentItemChanged.connect(lambda item: self.show_section(item.data(256)))
        self._box.activated.connect(lambda: self.show_section(self._box.currentData()))
        self.setFocusProxy(self._list)
        theme.changed.connect(self._dress)
        self._dress()

    @property
    def section_id(self) -> str:
        """The section that is shown."""
        return next((name for name, made in self._made.items() if made is self._stack.currentWidget()), "")

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        return (self._back, self._list, self._box, self._stack)

    def section(self, section_id: str) -> Section:
        """A section, made if it is not there yet."""
        if section_id not in self._made:
            self._made[section_id] = self._makers[section_id]()
            self._stack.addWidget(self._made[section_id])
        return self._made[section_id]

    def show_section(self, section_id: str) -> None:
        """Show a section; without an id the one that was shown last."""
        section_id = section_id or self.section_id or next(iter(SECTIONS))
        section = self.section(section_id)
        section.refresh()
        self._stack.setCurrentWidget(section)
        at = list(SECTIONS).index(section_id)
        self._list.setCurrentRow(at)
        self._box.setCurrentIndex(at)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list takes room only where there is some."""
        super().resizeEvent(event)
        is_narrow = self.width() < self._theme.scaled(NARROW)
        self._beside.setVisible(not is_narrow)
        self._box.setVisible(is_narrow)
        self.setFocusProxy(self._box if is_narrow else self._list)

    def _lay_out(self) -> None:
        back = QToolButton(self)
        back.setAccessibleName(tr("Back to the chat"))
        back.setToolTip(tr("Back to the chat"))
        self._theme.give_icon_size(back, 20)
        back.clicked.connect(self.closed)
        self._back = back
        title = QLabel(tr("Settings"), self)
        title.setTextFormat(Qt.TextFormat.PlainText)
        self._theme.give_font(title, "strong")
        above = QHBoxLayout()
        above.setContentsMargins(14, 10, 14, 6)
        above.setSpacing(8)
        above.addWidget(back)
        above.addWidget(title)
        above.addStretch()
        above.addWidget(self._box)
        self._beside = QWidget(self)
        beside = QVBoxLayout(self._beside)
        beside.setContentsMargins(12, 4, 0, 12)
        beside.addWidget(self._list)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self._beside)
        below.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(above)
        layout.addLayout(below, 1)

    def _dress(self) -> None:
        icons, tokens = self._theme.icons, self._theme.tokens
        self._back.setIcon(icons.icon("back", tokens.secondary))
        self._beside.setFixedWidth(self._theme.scaled(LIST_WIDTH))
        for row, (_name, icon) in enumerate(SECTIONS.values()):
            item = self._list.item(row)
            item.setIcon(icons.icon(icon, tokens.secondary))
            item.setSizeHint(QSize(0, self._theme.scaled(38)))

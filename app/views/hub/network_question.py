"""The one way to the network while Retort is offline: what would be asked, and two buttons that say so."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine_link.network_gate import NetworkGate
from app.theme.theme import Theme
from app.translation import tr
from app.views.plain_label import plain_label


class NetworkQuestion(QFrame):
    """Hidden until something wants the network. `then` gets True where only this one request is allowed."""

    def __init__(self, gate: NetworkGate, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("networkQuestion")
        self._gate = gate
        self._theme = theme
        self._then: Callable[[bool], None] | None = None
        self._icon = QLabel(self)
        self._words = plain_label(self, theme, wraps=True)
        self._once = self._button(tr("Only this once"), self._allow_once)
        self._always = self._button(tr("Allow the network"), self._allow)
        self._no = self._button(tr("Stay offline"), self.hide)
        self._always.setToolTip(
            tr("Switches Offline off in the settings, where it can be switched on again.")
        )
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._once, self._always, self._no):
            buttons.addWidget(button)
        buttons.addStretch()
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self._words)
        right.addLayout(buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(12)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(right, 1)
        theme.changed.connect(self._dress)
        gate.changed.connect(self._follow)
        self._dress()
        self.hide()

    @property
    def text(self) -> str:
        """What is asked, empty while nothing is."""
        return self._words.text() if not self.isHidden() else ""

    def ask(self, would: str, then: Callable[[bool], None]) -> None:
        """Do it at once where the network is allowed, else ask first; `would` says what would be asked."""
        if self._gate.is_open:
            self.hide()
            then(False)
            return
        self._then = then
        self._words.setText(tr("Retort is offline, and nothing was asked yet. {would}", would=would))
        self.show()
        self._once.setFocus()

    def _allow_once(self) -> None:
        self._go_on(online=True)

    def _allow(self) -> None:
        self._go_on(online=True)
        self._gate.open()

    def _go_on(self, *, online: bool) -> None:
        then, self._then = self._then, None
        self.hide()
        if then is not None:
            then(online)

    def _follow(self) -> None:
        """Allowed elsewhere: whoever still wants it says so again."""
        if self._gate.is_open:
            self._then = None
            self.hide()

    def _button(self, text: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _dress(self) -> None:
        pixmap = self._theme.icons.pixmap("network", self._theme.tokens.accent, 20, self.devicePixelRatioF())
        self._icon.setPixmap(pixmap)
        self._icon.setFixedSize(QSize(20, 20))

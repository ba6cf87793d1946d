"""One param: its name, a field, and the way back to its default, which is shown beside another value."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.theme.theme import Theme
from app.translation import format_number, tr

FIELD_WIDTH = 124


class ParamRow(QWidget):
    """A number; `changed_to` tells None where the default is wanted."""

    changed_to = Signal(object)  # float, int or None

    def __init__(
        self,
        label: str,
        meaning: str,
        theme: Theme,
        *,
        least: float,
        most: float,
        default: float | None,
        step: float = 1,
        decimals: int = 0,
        unset: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """Without a default the least value stands for "not set", and is shown as `unset`."""
        super().__init__(parent)
        self._theme = theme
        self._default = least if default is None else default
        self._decimals = decimals
        self._name = QLabel(label, self)
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._name.setWordWrap(True)
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setProperty("tone", "secondary")
        theme.give_font(self._hint, "small")
        self.field = CalmSpinBox(self)
        self.field.setDecimals(decimals)
        self.field.setRange(least, most)
        self.field.setSingleStep(step)
        self.field.setSpecialValueText(unset)
        self.field.setKeyboardTracking(False)
        self.field.setFixedWidth(theme.scaled(FIELD_WIDTH))
        self.field.setMinimumHeight(theme.scaled(30))
        self.field.setAccessibleName(label)
        self.field.setAccessibleDescription(meaning)
        self.field.valueChanged.connect(self._tell)
        self._reset = QToolButton(self)
        theme.give_icon_size(self._reset, 15)
        self._reset.setAccessibleName(tr("Default of “{name}”", name=label))
        self._reset.setToolTip(tr("Default"))
        self._reset.clicked.connect(self._set_default)
        keeps_room = self._reset.sizePolicy()
        keeps_room.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(keeps_room)
        self.setToolTip(meaning)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._name)
        words.addWidget(self._hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addLayout(words, 1)
        row.addWidget(self._reset)
        row.addWidget(self.field)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_value(None)

    def show_value(self, value: float | None) -> None:
        """Show a value; None shows the default."""
        with QSignalBlocker(self.field):
            self.field.setValue(self._default if value is None else value)
        self._show_state()

    def set_most(self, most: float) -> None:
        """Allow no more than this."""
        with QSignalBlocker(self.field):
            self.field.setMaximum(most)

    def _set_default(self) -> None:
        self.field.setFocus()  # the button goes
        self.changed_to.emit(None)

    def _tell(self, value: float) -> None:
        self._show_state()
        is_default = value == self._default
        self.changed_to.emit(None if is_default else value if self._decimals else int(value))

    def _show_state(self) -> None:
        is_changed = self.field.value() != self._default
        default = self.field.specialValueText() if self._default == self.field.minimum() else ""
        shown = default or format_number(self._default, self._decimals)
        self._hint.setText(tr("default {value}", value=shown) if is_changed else "")
        self._hint.setVisible(is_changed)
        self._reset.setVisible(is_changed)

    def _dress(self) -> None:
        self._reset.setIcon(self._theme.icons.icon("reset", self._theme.tokens.secondary))


class CalmSpinBox(QDoubleSpinBox):
    """A field that the wheel changes only while it has the focus: it lies in something that scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(6, 0, 0, 0)  # the style sheet does not reach into the field

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

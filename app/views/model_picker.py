"""The model picker: who answers, and the menu to choose somebody else."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from app.theme.theme import Theme

if TYPE_CHECKING:  # not imported before the window can be seen
    from app.engine_link.model_choice import ModelChoice
    from engine.contract.model_info import ModelInfo

LONGEST_NAME = 36


class ModelPicker(QWidget):
    """A button with the model's name, its menu, and a few facts beside it."""

    file_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._choice: ModelChoice | None = None
        self._is_narrow = False
        self._button = QPushButton(self)
        self._button.setObjectName("modelPicker")
        self._button.setProperty("shape", "raised")
        self._button.setIconSize(QSize(18, 18))
        self._button.setToolTip("Choose a model")
        self._button.clicked.connect(self._show_menu)
        self._facts = QLabel(self)
        self._facts.setObjectName("modelFacts")
        self._facts.setTextFormat(Qt.TextFormat.PlainText)
        self._facts.setFont(theme.fonts.small)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._facts, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch()
        theme.changed.connect(self._dress)
        self._dress()
        self._fit()

    def follow(self, choice: "ModelChoice") -> None:
        """Show this choice from now on, and let the menu change it."""
        self._choice = choice
        choice.changed.connect(self._show_choice)
        self._show_choice()

    def show_model(self, name: str, info: "ModelInfo | None" = None) -> None:
        """Show a model's name, and what is known of its file."""
        shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        quantization = f"   {info.quantization}" if info and info.quantization else ""
        self._button.setText(f"  {shown}{quantization}   ▾".replace("&", "&&"))
        self._button.setAccessibleName(f"Model: {name}")
        self._facts.setText(_facts(info) if info else "")
        self._fit()

    def set_narrow(self, is_narrow: bool) -> None:
        """Leave the facts out where there is no room."""
        self._is_narrow = is_narrow
        self._fit()

    def make_menu(self) -> QMenu:
        """The models there are to choose from, and the way to another file."""
        menu = QMenu(self)
        if self._choice:
            self._offer_models(menu, self._choice)
        menu.addSeparator()
        open_file = menu.addAction("Open a .gguf…", self.file_requested.emit)
        open_file.setIcon(self._theme.icons.icon("open", self._theme.tokens.text))
        return menu

    def _offer_models(self, menu: QMenu, choice: "ModelChoice") -> None:
        for model in choice.offered:
            action = menu.addAction(choice.name_of(model).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(model == choice.current)
            action.setEnabled(choice.is_there(model))
            action.triggered.connect(lambda _checked=False, model=model: choice.choose(model))

    def _show_choice(self) -> None:
        if self._choice:
            loaded = self._choice.loaded
            self.show_model(self._choice.current_name, loaded.info if loaded else None)

    def _show_menu(self) -> None:
        menu = self.make_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._button.mapToGlobal(self._button.rect().bottomLeft()))

    def _fit(self) -> None:
        self._facts.setVisible(bool(self._facts.text()) and not self._is_narrow)

    def _dress(self) -> None:
        self._button.setIcon(self._theme.icons.icon("model", self._theme.tokens.accent))


def _facts(info: "ModelInfo") -> str:
    size = _bytes(info.size_bytes) if info.size_bytes else ""
    parameters = f"{_short(info.parameters)} parameters" if info.parameters else ""
    return " · ".join(filter(None, (size, parameters)))


def _short(count: int) -> str:
    """A count with its unit: 4.9 M, 30 B."""
    for limit, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= limit:
            number = count / limit
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return str(count)


def _bytes(count: int) -> str:
    for limit, unit in ((10**9, "GB"), (10**6, "MB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{max(count // 1000, 1)} KB"

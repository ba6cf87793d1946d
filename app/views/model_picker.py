"""The model picker: who answers, a few facts, and the popup to choose somebody else."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.model_facts import ModelFacts, facts_of_file, facts_of_installed
from app.theme.theme import Theme
from app.translation import format_bytes, tr
from app.views.model_popup import ModelPopup

if TYPE_CHECKING:  # not imported before the window can be seen
    from app.engine_link.model_choice import ModelChoice
    from app.engine_link.model_library import ModelLibrary
    from engine.contract.model_info import ModelInfo

LONGEST_NAME, LONGEST_NAME_NARROW = 36, 20


class ModelPicker(QWidget):
    """A button with the model's name, its popup, and a few facts beside it."""

    file_requested = Signal()
    folder_requested = Signal()
    details_requested = Signal(str)  # model of the library
    recommended = Signal(str)  # key of the catalogue; empty to look at all of it

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._choice: ModelChoice | None = None
        self._library: ModelLibrary | None = None
        self._popup: ModelPopup | None = None
        self._recommended: list[ModelFacts] = []
        self._is_narrow = False
        self._name, self._quantization = "", ""
        self._button = QPushButton(self)
        self._button.setObjectName("modelPicker")
        self._button.setProperty("shape", "raised")
        theme.give_icon_size(self._button, 18)
        self._button.setToolTip(tr("Choose a model"))
        self._button.clicked.connect(self.open_popup)
        self._facts = QLabel(self)
        self._facts.setObjectName("modelFacts")
        self._facts.setTextFormat(Qt.TextFormat.PlainText)
        theme.give_font(self._facts, "small")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._facts, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch()
        theme.changed.connect(self._dress)
        self._dress()
        self._fit()

    @property
    def facts(self) -> str:
        """What stands beside the name."""
        return self._facts.text()

    def follow(self, choice: "ModelChoice", library: "ModelLibrary") -> None:
        """Show this choice from now on, and let the popup change it."""
        self._choice, self._library = choice, library
        choice.changed.connect(self._show_choice)
        library.changed.connect(self._show_choice)
        self._show_choice()

    def show_model(self, name: str, info: "ModelInfo | None" = None) -> None:
        """Show a model's name, and what is known of its file."""
        self._name = name
        self._quantization = info.quantization if info else ""
        self._button.setAccessibleName(tr("Model: {name}", name=name))
        self._facts.setText(_line(info) if info else "")
        self._fit()

    def recommend(self, models: list[ModelFacts]) -> None:
        """Offer these, which are not here, at the popup's end; choosing one fetches nothing."""
        self._recommended = models

    def set_narrow(self, is_narrow: bool) -> None:
        """Leave the facts out where there is no room."""
        self._is_narrow = is_narrow
        self._fit()

    def make_popup(self) -> ModelPopup:
        """The models there are to choose from, and the way to another file; nothing here downloads."""
        popup = ModelPopup(self._theme, self)
        choice, current = self._choice, ""
        if choice is not None:
            known = self._known_models(choice)
            current = self._current_row(known)
            loaded = [facts for facts in known if self._is_in_memory(facts.model)]
            others = [facts for facts in known if facts not in loaded]
            popup.add_group(tr("In memory"), loaded, current=current, ejectable=True)
            popup.add_group(tr("On this computer"), others, current=current)
            for model, fraction in choice.loading.items():
                popup.show_progress(model, fraction)
            popup.chosen.connect(choice.choose)
            popup.eject_requested.connect(choice.eject)
        popup.add_recommended(tr("Recommended, not downloaded"), self._recommended)
        popup.recommended.connect(self.recommended)
        popup.add_file_entries()
        popup.details_requested.connect(lambda: self.details_requested.emit(current))
        popup.file_requested.connect(self.file_requested)
        popup.folder_requested.connect(self.folder_requested)
        return popup

    @property
    def known_models(self) -> list[ModelFacts]:
        """Every model that there is to choose from, those in memory first."""
        known = self._known_models(self._choice) if self._choice is not None else []
        return sorted(known, key=lambda facts: not self._is_in_memory(facts.model))

    def open_popup(self) -> None:
        """Show the popup below the button."""
        self._popup = self.make_popup()
        self._popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._popup.destroyed.connect(self._forget_popup)
        self._popup.open_at(self._button.mapToGlobal(self._button.rect().bottomLeft() + QPoint(0, 4)))

    def _known_models(self, choice: "ModelChoice") -> list[ModelFacts]:
        installed = self._library.models if self._library is not None else ()
        listed = {one.name for one in installed} | {one.path for one in installed}
        known = [facts_of_installed(one) for one in installed]
        for model in choice.offered:
            if model not in listed:
                loaded = choice.in_memory.get(model)
                known.append(
                    facts_of_file(model, loaded.info if loaded else None, is_there=choice.is_there(model))
                )
        return known

    def _current_row(self, known: list[ModelFacts]) -> str:
        """The name under which the current model stands in the list: it may have been chosen by its path."""
        current = self._choice.current if self._choice is not None else ""
        if any(facts.model == current for facts in known):
            return current
        installed = self._library.find(current) if self._library is not None else None
        return installed.name if installed else current

    def _is_in_memory(self, model: str) -> bool:
        if self._choice is not None and model in self._choice.in_memory:
            return True
        installed = self._library.find(model) if self._library is not None else None
        return bool(installed and installed.is_loaded)

    def _show_choice(self) -> None:
        choice = self._choice
        if choice is None:
            return
        loaded = choice.loaded
        self.show_model(choice.current_name, loaded.info if loaded else None)
        if choice.current in choice.loading:
            percent = round(100 * choice.loading[choice.current])
            self._facts.setText(tr("Loading {percent} %", percent=percent))
            self._fit()
        if self._popup is not None:
            for model, fraction in choice.loading.items():
                self._popup.show_progress(model, fraction)

    def _forget_popup(self) -> None:
        self._popup = None

    def _fit(self) -> None:
        longest = LONGEST_NAME_NARROW if self._is_narrow else LONGEST_NAME
        shown = self._name if len(self._name) <= longest else f"{self._name[: longest - 1]}…"
        quantization = f"   {self._quantization}" if self._quantization and not self._is_narrow else ""
        self._button.setText(f"  {shown}{quantization}   ▾".replace("&", "&&"))
        self._facts.setVisible(bool(self._facts.text()) and not self._is_narrow)

    def _dress(self) -> None:
        self._button.setIcon(self._theme.icons.icon("model", self._theme.tokens.accent))


def _line(info: "ModelInfo") -> str:
    facts = facts_of_file(str(Path(info.path)), info, is_there=True)
    return facts.line or format_bytes(info.size_bytes)

"""Joins the boxes of a search with the model they belong to, and takes the setting that was chosen."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.engine_link.tuning import Tuning
from app.theme.theme import Theme
from app.views.tuning.tune_box import TuneBox
from app.views.tuning.tuned_dialog import TunedDialog
from engine.contract.model_info import InstalledModel
from engine.contract.params import LoadParams


class TuneControl(QObject):
    """One for the window; makes a box wherever a model's settings are shown."""

    def __init__(
        self,
        window: QWidget,
        *,
        tuning: Tuning,
        choice: ModelChoice,
        library: ModelLibrary,
        preferences: EnginePreferences,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        self._tuning, self._choice = tuning, choice
        self._library, self._preferences = library, preferences
        self.dialog: TunedDialog | None = None

    def box_of_choice(self, parent: QWidget) -> TuneBox:
        """A box that follows the model that is chosen."""
        box = self._box(parent)

        def show() -> None:
            installed = self._library.find(self._choice.current)
            box.show_model(installed.name if installed is not None and not installed.problem else "")

        self._choice.changed.connect(show)
        self._library.changed.connect(show)
        show()
        return box

    def box_of_library(self, parent: QWidget) -> tuple[TuneBox, Callable[[InstalledModel | None], None]]:
        """A box, and what shows a model of the library in it."""
        box = self._box(parent)

        def show(model: InstalledModel | None) -> None:
            box.show_model(model.name if model is not None and not model.problem else "")

        return box, show

    def show_results(self, model: str) -> None:
        """Show what was found of a model."""
        known = self._tuning.of(model)
        if known.found is None:
            return
        dialog = self.dialog = TunedDialog(known, self._theme, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.load_chosen.connect(lambda load: self.load(model, load))
        dialog.finished.connect(self._forget_dialog)
        dialog.open()

    def load(self, model: str, load: LoadParams) -> None:
        """Load a model this way from now on, at once if it is the one that is chosen."""
        self._preferences.change_load(model, load)
        chosen = self._library.find(self._choice.current)
        if chosen is not None and chosen.name == model:
            self._choice.load_again()

    def _box(self, parent: QWidget) -> TuneBox:
        box = TuneBox(self._tuning, self._theme, parent)
        box.results_wanted.connect(self.show_results)
        return box

    def _forget_dialog(self) -> None:
        self.dialog = None

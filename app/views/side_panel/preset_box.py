"""The presets of the side panel: one is chosen, the user's own are saved, renamed and deleted."""

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QMenu, QToolButton, QWidget

from app.conversations.presets import Preset, Presets
from app.conversations.settings import ConversationSettings
from app.theme.theme import Theme
from app.translation import tr


class PresetBox(QWidget):
    """Knows the presets; whoever listens puts a chosen one into effect."""

    chosen = Signal(object)  # Preset

    def __init__(self, presets: Presets, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets = presets
        self._theme = theme
        self._settings = ConversationSettings()
        self.box = QComboBox(self)
        self.box.setAccessibleName(tr("Preset"))
        self.box.setMinimumHeight(theme.scaled(30))
        self.box.activated.connect(self._choose)
        self._more = QToolButton(self)
        theme.give_icon_size(self._more, 18)
        self._more.setAccessibleName(tr("Save, rename or delete presets"))
        self._more.setToolTip(tr("Save, rename or delete presets"))
        self._more.clicked.connect(self._open_menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        row.addWidget(self._more)
        theme.changed.connect(self._dress)
        self._dress()
        self.show_settings(self._settings)

    def show_settings(self, settings: ConversationSettings) -> None:
        """Show which preset these settings came from, and whether they still are what it says."""
        self._settings = settings
        with QSignalBlocker(self.box):
            self.box.clear()
            for preset in self._presets.all():
                self.box.addItem(_shown_name(preset), preset.name)
            current = self._current()
            if current is None or not _is_same(current, settings):
                self.box.addItem(tr("Your own values"), None)
                self.box.setCurrentIndex(self.box.count() - 1)
            else:
                self.box.setCurrentIndex(self.box.findData(current.name))

    def make_menu(self) -> QMenu:
        """What can be done with presets."""
        menu = QMenu(self)
        menu.addAction(tr("Save these values as a preset…"), self._ask_name)
        preset = self._current()
        if preset is not None and preset.is_own:
            menu.addAction(tr("Rename “{name}”…", name=preset.name), lambda: self._ask_new_name(preset.name))
            menu.addAction(tr("Delete “{name}”", name=preset.name), lambda: self.delete(preset.name))
        return menu

    def save(self, name: str) -> None:
        """Keep the values under a name, and choose it; a name that cannot be given is asked for again."""
        try:
            preset = self._presets.save(name, self._settings)
        except ValueError:
            self._ask_name()
        else:
            self.chosen.emit(preset)

    def rename(self, name: str, new_name: str) -> None:
        """Give one of the user's own another name."""
        try:
            preset = self._presets.rename(name, new_name)
        except ValueError:
            self._ask_new_name(name)
        else:
            self.chosen.emit(preset)

    def delete(self, name: str) -> None:
        """Forget one of the user's own; the values stay as they are."""
        self._presets.delete(name)
        self.show_settings(self._settings)

    def _current(self) -> Preset | None:
        return self._presets.find(self._settings.preset or self._presets.all()[0].name)

    def _choose(self) -> None:
        preset = self._presets.find(str(self.box.currentData()))
        if preset is not None:
            self.chosen.emit(preset)

    def _open_menu(self) -> None:
        self.make_menu().popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def _ask_name(self) -> None:
        self._ask("").textValueSelected.connect(self.save)

    def _ask_new_name(self, name: str) -> None:
        self._ask(name).textValueSelected.connect(lambda new_name: self.rename(name, new_name))

    def _ask(self, name: str) -> QInputDialog:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("Preset"))
        dialog.setLabelText(tr("Name of the preset; one that another has already cannot be given:"))
        dialog.setTextValue(name)
        dialog.open()
        return dialog

    def _dress(self) -> None:
        self._more.setIcon(self._theme.icons.icon("more", self._theme.tokens.secondary))


def _shown_name(preset: Preset) -> str:
    return preset.name if preset.is_own else tr(preset.name)


def _is_same(preset: Preset, settings: ConversationSettings) -> bool:
    return (preset.sampling, preset.max_tokens, preset.stop) == (
        {name: value for name, value in settings.sampling.items() if name != "seed"},
        settings.max_tokens,
        settings.stop,
    )

"""Settings of the engine, one row for each line of the contract's table."""

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QSpinBox

from app.engine_link.engine_preferences import EnginePreferences
from app.error_texts import describe_error
from app.theme.theme import Theme
from app.translation import tr
from app.views.settings.folder_list import FolderList
from app.views.settings.section import Section
from engine.contract.errors import EngineError
from engine.contract.settings import SETTINGS, EngineSettings, Setting

Control = QSpinBox | QCheckBox | FolderList


class ModelsSection(Section):
    """Shows what the host says and asks it for changes."""

    def __init__(self, preferences: EnginePreferences, theme: Theme) -> None:
        super().__init__(tr("Models"), theme)
        self._preferences = preferences
        self.controls: dict[str, Control] = {}
        self._refusal = self.add_text("")
        self._refusal.hide()
        for setting in SETTINGS:
            control = self._control(setting)
            control.setEnabled(False)
            self.controls[setting.name] = control
            control.setAccessibleName(tr(setting.label))
            if isinstance(control, FolderList):
                self.add_row(tr(setting.label), tr(setting.meaning))
                self.add(control)
            else:
                self.add_row(tr(setting.label), tr(setting.meaning), control)
        preferences.changed.connect(self._show)
        preferences.refused.connect(self._tell_refusal)
        self._show()

    def refresh(self) -> None:
        """Ask the host anew."""
        self._preferences.refresh()

    def _control(self, setting: Setting) -> Control:
        if setting.kind == "switch":
            switch = QCheckBox(self)
            switch.clicked.connect(lambda on: self._change(setting.name, on))
            return switch
        if setting.kind == "folders":
            folders = FolderList(self)
            folders.wanted.connect(lambda paths: self._change(setting.name, tuple(paths)))
            return folders
        count = QSpinBox(self)
        count.setRange(setting.least, setting.most)
        count.setSuffix(f" {tr(setting.unit)}" if setting.unit else "")
        count.setKeyboardTracking(False)
        count.lineEdit().setTextMargins(6, 0, 0, 0)
        count.setMinimumWidth(self.theme.scaled(150))
        count.valueChanged.connect(lambda value: self._change(setting.name, value))
        return count

    def _change(self, name: str, value: int | bool | tuple[str, ...]) -> None:
        self._refusal.hide()
        self._preferences.change(name, value)

    def _show(self) -> None:
        settings = self._preferences.settings
        if settings is not None:
            for name, control in self.controls.items():
                _show_value(control, settings, name)

    def _tell_refusal(self, error: EngineError) -> None:
        text = describe_error(error)
        self._refusal.setText(f"{text.happened} {text.to_do}")
        self._refusal.show()
        self._show()


def _show_value(control: Control, settings: EngineSettings, name: str) -> None:
    """Show a value without asking for it again."""
    value = getattr(settings, name)
    control.setEnabled(True)
    with QSignalBlocker(control):
        if isinstance(control, QSpinBox):
            control.setValue(value)
        elif isinstance(control, QCheckBox):
            control.setChecked(value)
        else:
            control.show_folders(value)

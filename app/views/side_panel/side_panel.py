"""The side panel: preset, system prompt, sampling and reasoning of this chat, and how its model is loaded."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.conversations.presets import Presets
from app.engine_link.chat_settings import ChatSettings
from app.sampling_lines import SAMPLING_LINES
from app.theme.theme import Theme
from app.translation import mark, tr
from app.views.side_panel.load_box import LoadBox
from app.views.side_panel.param_row import ParamRow
from app.views.side_panel.preset_box import PresetBox

EFFORT_NAMES = {
    "off": mark("Off"), "on": mark("On"), "none": mark("Off"), "minimal": mark("Minimal"),
    "low": mark("Low"), "medium": mark("Medium"), "high": mark("High"),
}  # fmt: skip


class SidePanel(QScrollArea):
    """Shows what is set and sets what is changed; every field shows its default by itself."""

    def __init__(
        self, settings: ChatSettings, presets: Presets, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAccessibleName(tr("Settings of this chat"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._settings = settings
        self._theme = theme
        self.presets = PresetBox(presets, theme, self)
        self.presets.chosen.connect(settings.use_preset)
        self.prompt = self._make_prompt()
        self.rows = self._make_rows()
        self.stop = QLineEdit(self)
        self.stop.setAccessibleName(tr("Stop strings"))
        self.stop.setPlaceholderText(tr("none; several with | between them"))
        self.stop.setToolTip(tr("The answer ends before the first of these."))
        self.stop.editingFinished.connect(self._set_stop)
        self.effort = QComboBox(self)
        self.effort.setAccessibleName(tr("Reasoning effort"))
        self.effort.setMinimumHeight(theme.scaled(30))
        self.effort.activated.connect(
            lambda: settings.change(reasoning_effort=self.effort.currentData() or "")
        )
        self._effort_heading = self._heading(tr("Reasoning effort"), self.effort)
        self.language = QCheckBox(tr("Stay in this chat's language"), self)
        self.language.setAccessibleName(self.language.text())
        self.language.setToolTip(
            tr("Makes letters of other scripts unlikely, where a model slips into another language.")
        )
        self.language.toggled.connect(lambda wanted: settings.change(keep_language=wanted))
        self.load = LoadBox(theme, self)
        self._lay_out()
        self.show_efforts(())
        settings.changed.connect(self._show)
        self._show()

    def show_efforts(self, efforts: Sequence[str]) -> None:
        """Offer what the model's template lets choose; nothing where it has no switch."""
        with QSignalBlocker(self.effort):
            self.effort.clear()
            self.effort.addItem(tr("The model's own"), "")
            for effort in efforts:
                self.effort.addItem(tr(EFFORT_NAMES[effort]) if effort in EFFORT_NAMES else effort, effort)
        for widget in (self._effort_heading, self.effort):
            widget.setVisible(bool(efforts))
        self._show()

    def _make_prompt(self) -> QPlainTextEdit:
        prompt = QPlainTextEdit(self)
        prompt.setAccessibleName(tr("System prompt"))
        prompt.setPlaceholderText(tr("What the model shall know or be in this chat"))
        prompt.setTabChangesFocus(True)
        prompt.setFixedHeight(self._theme.scaled(110))
        prompt.textChanged.connect(self._set_prompt)
        return prompt

    def _make_rows(self) -> dict[str, ParamRow]:
        rows = {
            line.name: ParamRow(
                tr(line.label), tr(line.meaning), self._theme, least=line.least, most=line.most,
                step=line.step, decimals=line.decimals, default=line.default, parent=self,
            )
            for line in SAMPLING_LINES
        }  # fmt: skip
        rows["max_tokens"] = ParamRow(
            tr("Longest answer"), tr("Tokens of one answer, reasoning included."), self._theme,
            least=0, most=2**20, step=64, default=None, unset=tr("no limit"), parent=self,
        )  # fmt: skip
        rows["seed"] = ParamRow(
            tr("Seed"), tr("The same seed gives the same answer to the same words."), self._theme,
            least=-1, most=2**32 - 1, default=None, unset=tr("random"), parent=self,
        )  # fmt: skip
        for name, row in rows.items():
            row.changed_to.connect(lambda value, name=name: self._set(name, value))
        return rows

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(14, 14, 14, 20)
        column.setSpacing(8)
        column.addWidget(self._heading(tr("Preset"), self.presets.box))
        column.addWidget(self.presets)
        column.addSpacing(8)
        column.addWidget(self._heading(tr("System prompt"), self.prompt))
        column.addWidget(self.prompt)
        column.addSpacing(8)
        column.addWidget(self._effort_heading)
        column.addWidget(self.effort)
        column.addWidget(self.language)
        column.addWidget(self._heading(tr("Sampling")))
        for row in self.rows.values():
            column.addWidget(row)
        column.addWidget(self._label(tr("Stop strings")))
        column.addWidget(self.stop)
        column.addSpacing(12)
        column.addWidget(self._heading(tr("How the model is loaded")))
        column.addWidget(self.load)
        column.addStretch(1)
        self.setWidget(inside)
        self.setFocusProxy(self.presets.box)

    def _label(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _heading(self, text: str, control: QWidget | None = None) -> QLabel:
        label = self._label(text)
        if control is not None:
            label.setBuddy(control)
        label.setProperty("tone", "secondary")
        self._theme.give_font(label, "heading")
        return label

    def _set(self, name: str, value: float | int | None) -> None:
        if name == "max_tokens":
            self._settings.change(max_tokens=value)
        else:
            self._settings.set_sampling(name, value)

    def _set_prompt(self) -> None:
        self._settings.change(system_prompt=self.prompt.toPlainText())

    def _set_stop(self) -> None:
        parts = (part.replace("\\n", "\n") for part in self.stop.text().split("|"))
        self._settings.change(stop=tuple(part for part in parts if part))

    def _show(self) -> None:
        settings = self._settings.current
        self.presets.show_settings(settings)
        if self.prompt.toPlainText() != settings.system_prompt:
            with QSignalBlocker(self.prompt):
                self.prompt.setPlainText(settings.system_prompt)
        for name, row in self.rows.items():
            value = settings.max_tokens if name == "max_tokens" else settings.sampling.get(name)
            row.show_value(value if isinstance(value, int | float) else None)
        self.stop.setText("|".join(part.replace("\n", "\\n") for part in settings.stop))
        with QSignalBlocker(self.language):
            self.language.setChecked(settings.keep_language)
        self.effort.setCurrentIndex(max(self.effort.findData(settings.reasoning_effort), 0))

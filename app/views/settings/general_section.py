"""General settings: the language, which key sends, and who gives conversations their titles."""

from PySide6.QtWidgets import QCheckBox

from app.engine_link.title_writer import TitleWriter
from app.theme.theme import Theme
from app.translation import LANGUAGE_NAMES, tr
from app.views.message_field import MessageField
from app.views.settings.section import Section
from app.views.window_settings import WindowSettings


class GeneralSection(Section):
    """What belongs nowhere else."""

    def __init__(
        self, settings: WindowSettings, field: MessageField, titles: TitleWriter, theme: Theme
    ) -> None:
        super().__init__(tr("General"), theme)
        self._settings = settings
        self._field = field
        self._titles = titles
        languages = [(tr("As the system"), ""), *((name, code) for code, name in LANGUAGE_NAMES.items())]
        self.language = self.choice(languages, settings.language)
        self.language.activated.connect(self._choose_language)
        self._language_note = self.add_row(tr("Language"), tr("Of the window."), self.language)
        keys = [(tr("Enter"), False), (tr("Ctrl+Enter"), True)]
        self.sending = self.choice(keys, settings.sends_with_ctrl)
        self.sending.activated.connect(self._choose_sending)
        self.add_row(
            tr("Send a message with"),
            tr("The other way starts a new line, as Shift+Enter does."),
            self.sending,
        )
        self.titles = QCheckBox(self)
        self.titles.setChecked(settings.writes_titles)
        self.titles.toggled.connect(self._choose_titles)
        self.add_row(
            tr("Titles by the model"),
            tr(
                "After the first answer the model gives the chat a title, else its first words are the title."
            ),
            self.titles,
        )

    def _choose_language(self) -> None:
        self._settings.language = str(self.language.currentData())
        self._language_note.setText(tr("The window speaks it from the next start on."))

    def _choose_sending(self) -> None:
        self._settings.sends_with_ctrl = bool(self.sending.currentData())
        self._field.sends_with_ctrl = self._settings.sends_with_ctrl

    def _choose_titles(self, by_model: bool) -> None:
        self._settings.writes_titles = by_model
        self._titles.is_enabled = by_model

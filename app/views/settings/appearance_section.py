"""How the window looks: light or dark, contrast, text size. Everything is seen at once."""

from app.theme.theme import FONT_SCALES, Theme
from app.translation import tr
from app.views.settings.section import Section


class AppearanceSection(Section):
    """Shows and changes the theme."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(tr("Appearance"), theme)
        self.look = self.choice(
            [(tr("As the system"), "system"), (tr("Light"), "light"), (tr("Dark"), "dark")], theme.choice
        )
        self.look.activated.connect(lambda: theme.choose(self.look.currentData()))
        self.add_row(tr("Theme"), tr("Light or dark."), self.look)
        self.contrast = self.choice(
            [(tr("As the system"), "system"), (tr("Normal"), "normal"), (tr("High"), "high")], theme.contrast
        )
        self.contrast.activated.connect(lambda: theme.choose_contrast(self.contrast.currentData()))
        self.add_row(
            tr("Contrast"),
            tr("High contrast has black or white behind all text, and clear lines."),
            self.contrast,
        )
        self.text_size = self.choice([(f"{size} %", size) for size in FONT_SCALES], theme.font_scale)
        self.text_size.activated.connect(lambda: theme.choose_font_scale(self.text_size.currentData()))
        self.add_row(tr("Text size"), tr("Of all text in the window."), self.text_size)
        theme.changed.connect(self._show)

    def _show(self) -> None:
        for box, value in (
            (self.look, self.theme.choice),
            (self.contrast, self.theme.contrast),
            (self.text_size, self.theme.font_scale),
        ):
            box.setCurrentIndex(box.findData(value))

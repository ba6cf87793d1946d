from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.theme.fonts import FAMILY, load_fonts
from app.theme.icons import Icons
from app.theme.part_colours import part_colour
from app.theme.theme import Theme
from app.theme.tokens import DARK, DARK_HIGH_CONTRAST, LIGHT, LIGHT_HIGH_CONTRAST, Tokens
from app.workbench.parts import PART_NAMES
from engine.contract.paths import resources

ICON_NAMES = sorted(path.stem for path in (resources() / "icons").glob("*.svg"))


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    mixed = QColor(colour)
    return 0.2126 * linear(mixed.redF()) + 0.7152 * linear(mixed.greenF()) + 0.0722 * linear(mixed.blueF())


def contrast(text: str, back: str) -> float:
    light, dark = sorted((luminance(text), luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("tokens", "least"),
    [(LIGHT, 4.5), (DARK, 4.5), (LIGHT_HIGH_CONTRAST, 7.0), (DARK_HIGH_CONTRAST, 7.0)],
    ids=["light", "dark", "light-high", "dark-high"],
)
def test_every_text_can_be_read_on_what_it_stands_on(tokens: Tokens, least: float) -> None:
    grounds = (tokens.window, tokens.sidebar, tokens.raised, tokens.hovered, tokens.selected, tokens.bubble)
    pairs = [(tokens.text, ground) for ground in (*grounds, tokens.text_selection)]
    pairs += [(tokens.secondary, ground) for ground in (tokens.window, tokens.sidebar, tokens.raised)]
    pairs += [(tokens.on_accent, tokens.accent), (tokens.accent, tokens.raised)]
    pairs += [(tokens.callout_text, tokens.callout)]
    too_faint = [(text, back, contrast(text, back)) for text, back in pairs if contrast(text, back) < least]
    assert not too_faint


@pytest.mark.parametrize("tokens", [LIGHT_HIGH_CONTRAST, DARK_HIGH_CONTRAST], ids=["light", "dark"])
def test_with_high_contrast_lines_can_be_seen(tokens: Tokens) -> None:
    assert contrast(tokens.line, tokens.window) >= 3
    assert contrast(tokens.line, tokens.raised) >= 3


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_state_colours_stand_out_from_the_strip(tokens: Tokens) -> None:
    for colour in (tokens.good, tokens.busy, tokens.bad, tokens.accent):
        assert contrast(colour, tokens.window) >= 3


def test_both_sets_are_complete_colours() -> None:
    for tokens in (LIGHT, DARK):
        for field in fields(tokens):
            value = getattr(tokens, field.name)
            assert isinstance(value, bool) or QColor(value).isValid(), field.name


def test_the_choice_decides_whatever_the_platform_says(theme: Theme, qapp: QApplication) -> None:
    theme.choose("dark")
    assert theme.tokens is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
    theme.choose("light")
    assert theme.tokens is LIGHT
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT.window)


def test_a_platform_without_an_opinion_gets_light(theme: Theme) -> None:
    theme.choose("system")  # the display without a screen has none
    assert (theme.choice, theme.tokens) == ("system", LIGHT)


def test_high_contrast_goes_with_light_and_with_dark(theme: Theme) -> None:
    theme.choose_contrast("high")
    assert theme.tokens is LIGHT_HIGH_CONTRAST
    theme.choose("dark")
    assert theme.tokens is DARK_HIGH_CONTRAST
    theme.choose_contrast("system")  # the display without a screen has no preference
    assert theme.tokens is DARK


def test_text_grows_in_steps_up_to_twice_its_size(theme: Theme, qtbot: QtBot) -> None:
    label = QLabel("text")
    qtbot.addWidget(label)
    theme.give_font(label, "body")
    normal = label.font().pixelSize()
    for _ in range(20):
        theme.step_font_scale(1)
    assert (theme.font_scale, label.font().pixelSize()) == (200, 2 * normal)
    theme.choose_font_scale(100)
    theme.step_font_scale(-1)
    assert theme.font_scale == 90
    theme.choose_font_scale(5)
    assert theme.font_scale == 80


def test_a_widget_that_is_gone_does_not_mind_a_change_of_fonts(theme: Theme, qtbot: QtBot) -> None:
    label = QLabel("text")
    theme.give_font(label, "body")
    label.deleteLater()
    del label
    qtbot.wait(1)
    theme.choose_font_scale(150)


def test_listeners_hear_of_a_change(theme: Theme, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.changed):
        theme.choose("dark")


def test_the_shipped_font_is_used_and_its_licence_is_beside_it(qapp: QApplication) -> None:
    fonts = load_fonts(resources() / "fonts")
    assert fonts.body.family() == FAMILY
    assert FAMILY in QFontDatabase.families()
    assert "SIL OPEN FONT LICENSE" in (resources() / "fonts" / "OFL.txt").read_text(encoding="utf-8")


def test_without_the_font_files_the_system_s_font_serves(qapp: QApplication, tmp_path: Path) -> None:
    assert load_fonts(tmp_path).body.family() == QFont().family()


@pytest.mark.parametrize("name", ICON_NAMES)
def test_an_icon_is_drawn_in_the_colour_asked_for(qapp: QApplication, name: str) -> None:
    image = Icons(resources() / "icons").pixmap(name, "#ff0000", 24).toImage()
    drawn = [
        image.pixelColor(x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 200
    ]
    assert drawn
    assert all(colour.red() > 200 and colour.green() < 60 and colour.blue() < 60 for colour in drawn)


def test_an_icon_is_as_sharp_as_the_screen(qapp: QApplication) -> None:
    icon = Icons(resources() / "icons").icon("send", "#000000")
    assert icon.pixmap(QSize(20, 20), 2.0).size() == QSize(40, 40)


def test_a_disabled_button_s_icon_has_its_own_colour(qapp: QApplication) -> None:
    icon = Icons(resources() / "icons").icon("stop", "#ff0000", "#0000ff")
    image = icon.pixmap(QSize(20, 20), QIcon.Mode.Disabled).toImage()
    assert image.pixelColor(10, 10) == QColor("#0000ff")


@pytest.mark.parametrize("tokens", [LIGHT, DARK, LIGHT_HIGH_CONTRAST, DARK_HIGH_CONTRAST])
def test_text_can_be_read_on_every_part_of_a_model(tokens: Tokens) -> None:
    colours = {part: part_colour(part, tokens) for part in [*PART_NAMES, "of a later engine"]}
    assert {part for part, colour in colours.items() if contrast(tokens.text, colour) < 4.5} == set()
    assert len(set(colours.values())) == len(PART_NAMES)


@pytest.mark.parametrize("tokens", [LIGHT, DARK, LIGHT_HIGH_CONTRAST, DARK_HIGH_CONTRAST])
def test_what_falls_back_and_what_failed_can_be_read(tokens: Tokens) -> None:
    assert contrast(tokens.busy, tokens.window) >= 4.5
    assert contrast(tokens.bad, tokens.window) >= 4.5
    assert contrast(tokens.bad, tokens.sidebar) >= 4.5

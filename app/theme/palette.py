"""Tokens to QPalette, for everything that Fusion draws itself: menus, fields, scroll bars, dialogs."""

from PySide6.QtGui import QColor, QPalette

from app.theme.tokens import Tokens


def make_palette(tokens: Tokens) -> QPalette:
    """A palette in which every role that Fusion uses comes from the tokens."""
    role = QPalette.ColorRole
    palette = QPalette()
    for colour_role, colour in {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.window,
        role.AlternateBase: tokens.sidebar,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.secondary,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Highlight: tokens.text_selection,
        role.HighlightedText: tokens.text,
        role.Accent: tokens.accent,
        role.Link: tokens.accent,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.Light: tokens.raised,
        role.Midlight: tokens.hovered,
        role.Mid: tokens.line,
        role.Dark: tokens.line,
        role.Shadow: tokens.line,
    }.items():
        palette.setColor(colour_role, QColor(colour))
    for colour_role in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(tokens.secondary))
    return palette
